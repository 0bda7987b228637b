"""The outside services that devices ask through this server, a module for each."""
