"""The bucket: layout, whole bodies, conditional writes, leases."""
