-- What mapping goes by in a tenant; opaque JSON for the plugin.
ALTER TABLE tenants ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
