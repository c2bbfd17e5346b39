"""SQL steps over Arrow tables, behind one interface."""
