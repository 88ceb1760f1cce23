"""ON REQUEST: ack, parse, read the store, answer. Never calls the LMS before it has answered."""
