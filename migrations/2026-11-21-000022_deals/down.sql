DROP TABLE kontor.stage_changes;
DROP TABLE kontor.deals;
DROP TABLE kontor.stages;
DROP TABLE kontor.pipelines;
DROP TABLE kontor.sales_settings;
DROP TABLE kontor.currency_rates;
