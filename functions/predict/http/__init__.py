"""HTTP transports: Lambda proxy events, ASGI, schemas and problems."""
