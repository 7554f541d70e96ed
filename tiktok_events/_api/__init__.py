"""One request to the Events API and its answer: encoding, HTTP, retries, responses and the two clients."""
