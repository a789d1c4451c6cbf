"""Objects of the bucket: layout, leases, reading and writing."""
