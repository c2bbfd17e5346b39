"""From text to sketches that cannot hold text, and from sketches to templates, fillers, intent and capability."""
