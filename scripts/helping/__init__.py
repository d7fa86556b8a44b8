"""What gen-help is made of: marking (text to HTML), drawing (dialogs as SVG), guides, failures, prose, sources."""
