"""The router that is Caddy: a detached process that outlives the platform.

Which hosts there are is Caddy's configuration, made and changed through its admin API. Which upstream a route leads to
stands in a small file that Caddy reads for each request. Changing the configuration makes Caddy close the idle
connections of all clients, on which their next requests may be under way; changing the file closes nothing, so a switch
of a deployment loses no request and ends no WebSocket.
"""
