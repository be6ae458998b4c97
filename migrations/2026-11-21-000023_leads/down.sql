DROP TABLE kontor.lead_conversions;
DROP TABLE kontor.leads;
