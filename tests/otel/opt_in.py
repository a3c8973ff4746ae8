"""Attributes that spans have only when asked."""

OPT_IN = [
    "client.port",
    "network.local.address",
    "network.local.port",
    "network.transport",
    "http.request.size",
    "http.response.size",
    "http.request.body.size",
    "http.response.body.size",
    "user_agent.synthetic.type",
]
