"""A Salesforce org in memory: metadata, checks on save, automation, and the REST, query and Bulk 2.0 APIs."""
