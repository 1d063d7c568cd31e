"""The world of Azure, asked by bytes and by the vendor's own clients."""
