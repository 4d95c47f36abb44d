"""Host networks, one file each; ``HOSTS`` is their registry."""

from search_spaces.hosts.host import HOSTS, Host, HostEntry, host

__all__ = ["HOSTS", "Host", "HostEntry", "host"]
