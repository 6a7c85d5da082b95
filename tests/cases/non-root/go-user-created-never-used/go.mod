module exporter
