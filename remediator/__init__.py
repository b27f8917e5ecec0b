"""Gets refused records across the Marketo <-> Salesforce sync, safely and by itself."""
