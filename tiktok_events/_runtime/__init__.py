"""The process this package runs in: forks, uWSGI, the JSON library, and messages that are logged once."""
