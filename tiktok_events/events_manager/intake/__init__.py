"""What the local Events Manager receives: requests of servers, of the pixel, and faults to answer with."""
