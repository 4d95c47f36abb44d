"""Host networks, one file each; ``HOSTS`` is their registry."""

from search_spaces.hosts.host import HOSTS, Auxiliary, Host, HostEntry, Outputs, blocks, host

__all__ = ["HOSTS", "Auxiliary", "Host", "HostEntry", "Outputs", "blocks", "host"]
