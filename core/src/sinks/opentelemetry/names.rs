//! The attributes that spans have, encoded when the program is compiled.

use crate::otlp::AttributeName;

pub(super) static WIRESPAN_STATE_TIMELINE: AttributeName = AttributeName::new("wirespan.state.timeline");
pub(super) static HTTP_REQUEST_METHOD: AttributeName = AttributeName::new("http.request.method");
pub(super) static HTTP_REQUEST_METHOD_ORIGINAL: AttributeName =
    AttributeName::new("http.request.method_original");
pub(super) static URL_PATH: AttributeName = AttributeName::new("url.path");
pub(super) static URL_QUERY: AttributeName = AttributeName::new("url.query");
pub(super) static USER_AGENT_ORIGINAL: AttributeName = AttributeName::new("user_agent.original");
pub(super) static NETWORK_PROTOCOL_VERSION: AttributeName = AttributeName::new("network.protocol.version");
pub(super) static EXCEPTION_TYPE: AttributeName = AttributeName::new("exception.type");
pub(super) static EXCEPTION_MESSAGE: AttributeName = AttributeName::new("exception.message");
pub(super) static EXCEPTION_STACKTRACE: AttributeName = AttributeName::new("exception.stacktrace");
pub(super) static HTTP_ROUTE: AttributeName = AttributeName::new("http.route");
pub(super) static HTTP_RESPONSE_STATUS_CODE: AttributeName = AttributeName::new("http.response.status_code");
pub(super) static ERROR_TYPE: AttributeName = AttributeName::new("error.type");
pub(super) static WIRESPAN_END_REASON: AttributeName = AttributeName::new("wirespan.end_reason");
pub(super) static WIRESPAN_BACKGROUND_NS: AttributeName = AttributeName::new("wirespan.background_ns");
pub(super) static URL_SCHEME: AttributeName = AttributeName::new("url.scheme");
pub(super) static CLIENT_ADDRESS: AttributeName = AttributeName::new("client.address");
pub(super) static SERVER_ADDRESS: AttributeName = AttributeName::new("server.address");
pub(super) static SERVER_PORT: AttributeName = AttributeName::new("server.port");
pub(super) static NETWORK_PEER_ADDRESS: AttributeName = AttributeName::new("network.peer.address");
pub(super) static NETWORK_PEER_PORT: AttributeName = AttributeName::new("network.peer.port");
pub(super) static WIRESPAN_RECV_SIZE: AttributeName = AttributeName::new("wirespan.recv_size");
pub(super) static WIRESPAN_SEND_SIZE: AttributeName = AttributeName::new("wirespan.send_size");
pub(super) static WIRESPAN_RECV_BODY_SIZE: AttributeName = AttributeName::new("wirespan.recv_body_size");
pub(super) static WIRESPAN_SEND_BODY_SIZE: AttributeName = AttributeName::new("wirespan.send_body_size");
pub(super) static WIRESPAN_CONNECTION_REQUEST_NUMBER: AttributeName =
    AttributeName::new("wirespan.connection.request_number");
pub(super) static WIRESPAN_CONNECTION_IDLE_NS: AttributeName =
    AttributeName::new("wirespan.connection.idle_ns");
pub(super) static WIRESPAN_CONNECTION_AGE_NS: AttributeName =
    AttributeName::new("wirespan.connection.age_ns");

/// One for each state, in the order of [`crate::trace::State::ALL`].
pub(super) static STATES: [AttributeName; 6] = [
    AttributeName::new("wirespan.state.queue_ns"),
    AttributeName::new("wirespan.state.read_ns"),
    AttributeName::new("wirespan.state.schedule_ns"),
    AttributeName::new("wirespan.state.run_ns"),
    AttributeName::new("wirespan.state.await_ns"),
    AttributeName::new("wirespan.state.write_ns"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::State;

    #[test]
    fn states_have_their_attributes() {
        for (name, (_, state)) in STATES.iter().zip(State::ALL) {
            assert_eq!(name.as_str(), format!("wirespan.state.{state}_ns"));
        }
    }
}
