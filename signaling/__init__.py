"""The front door: sockets, tickets, accounts, REST; the call machine and the desk as pure code."""
