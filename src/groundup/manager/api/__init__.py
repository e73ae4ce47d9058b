"""The state manager over HTTP: `/v0` is the protocol to the letter, `/v1` what groundup adds."""
