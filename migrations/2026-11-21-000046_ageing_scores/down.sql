DROP FUNCTION kontor.tenants_with_ageing_scores();
