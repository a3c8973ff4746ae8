"""`wirespan demo`: two small services under a realistic mix of requests, and what their traces show."""

from wirespan.demo.show import run_demo

__all__ = ["run_demo"]
