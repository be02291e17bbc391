"""The Engine API's JSON: decoded into typed values, and made of the engine's."""
