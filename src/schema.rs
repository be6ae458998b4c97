// Written by `make schema` from the migrated catalogue. Do not edit.

diesel::table! {
    kontor.access_requests (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        email -> Text,
        name -> Text,
        message -> Nullable<Text>,
        state -> Text,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.activities (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        subject -> Text,
        subject_key -> Text,
        body -> Nullable<Text>,
        direction -> Nullable<Text>,
        duration_seconds -> Nullable<Integer>,
        due_at -> Nullable<Timestamptz>,
        done_at -> Nullable<Timestamptz>,
        at -> Timestamptz,
        author_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        company_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        lead_id -> Nullable<Uuid>,
        deal_id -> Nullable<Uuid>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.api_client_secrets (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        client_id -> Uuid,
        prefix -> Text,
        hash -> Bytea,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.api_client_uses (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        last_used_at -> Timestamptz,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    kontor.api_clients (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        prefix -> Text,
        scopes -> Array<Text>,
        mode -> Text,
        addresses -> Array<Text>,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        most_points -> Nullable<Integer>,
        restored_points -> Nullable<Integer>,
    }
}

diesel::table! {
    kontor.audit_log (tenant_id, at, id) {
        tenant_id -> Uuid,
        at -> Timestamptz,
        id -> Uuid,
        write_id -> Uuid,
        ordinal -> BigInt,
        actor_id -> Nullable<Uuid>,
        request_id -> Nullable<Text>,
        table_name -> Text,
        record_id -> Uuid,
        action -> Text,
        old -> Nullable<Jsonb>,
        new -> Nullable<Jsonb>,
    }
}

diesel::table! {
    kontor.audit_seals (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        number -> BigInt,
        kind -> Text,
        first_position -> BigInt,
        last_position -> BigInt,
        entries -> Array<Uuid>,
        leaves -> Bytea,
        cutoff -> Nullable<Timestamptz>,
        key_id -> Uuid,
        previous -> Bytea,
        seal -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.companies (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        domain -> Nullable<Text>,
        industry -> Nullable<Text>,
        phone -> Nullable<Text>,
        city -> Nullable<Text>,
        country -> Nullable<Text>,
        annual_revenue -> Nullable<Numeric>,
        annual_revenue_currency -> Nullable<Text>,
        owner_id -> Nullable<Uuid>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        postal_code -> Nullable<Text>,
        employees -> Nullable<Integer>,
        territory_id -> Nullable<Uuid>,
        phone_tail -> Nullable<Text>,
    }
}

diesel::table! {
    kontor.company_tags (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        company_id -> Uuid,
        tag_id -> Uuid,
    }
}

diesel::table! {
    kontor.contact_tags (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        contact_id -> Uuid,
        tag_id -> Uuid,
    }
}

diesel::table! {
    kontor.contacts (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        first_name -> Nullable<Text>,
        last_name -> Text,
        name_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        phone -> Nullable<Text>,
        phone_tail -> Nullable<Text>,
        title -> Nullable<Text>,
        company_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        territory_id -> Nullable<Uuid>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.counters (tenant_id, name) {
        tenant_id -> Uuid,
        name -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    kontor.currency_rates (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        currency -> Text,
        valid_from -> Date,
        rate -> Numeric,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.deal_tags (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        deal_id -> Uuid,
        tag_id -> Uuid,
    }
}

diesel::table! {
    kontor.deals (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        company_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        territory_id -> Nullable<Uuid>,
        pipeline_id -> Uuid,
        stage_id -> Uuid,
        stage_kind -> Text,
        amount -> Nullable<Numeric>,
        amount_currency -> Nullable<Text>,
        probability -> Integer,
        probability_set -> Bool,
        forecast -> Text,
        expected_close_on -> Nullable<Date>,
        close_key -> Date,
        amount_key -> Numeric,
        closed_at -> Nullable<Timestamptz>,
        lost_reason -> Nullable<Text>,
        hold_until -> Nullable<Date>,
        reopened -> Integer,
        stage_since -> Timestamptz,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.document_aliases (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        client_id -> Uuid,
        document_id -> Uuid,
        alias -> Text,
    }
}

diesel::table! {
    kontor.document_uses (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        client_id -> Uuid,
        hash -> Bytea,
        name -> Nullable<Text>,
        uses -> BigInt,
        last_used_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.documents (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        client_id -> Uuid,
        hash -> Bytea,
        name -> Text,
        name_key -> Text,
        body -> Text,
        cost -> Integer,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.field_uses (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        client_id -> Uuid,
        field -> Text,
        uses -> BigInt,
        last_used_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.idempotency_keys (tenant_id, caller_id, key, response_key) {
        tenant_id -> Uuid,
        caller_id -> Uuid,
        key -> Text,
        response_key -> Text,
        body_hash -> Bytea,
        outcome -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.invitations (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        email -> Text,
        roles -> Array<Text>,
        own_role_ids -> Array<Uuid>,
        hash -> Bytea,
        expires_at -> Timestamptz,
        accepted_at -> Nullable<Timestamptz>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.jobs (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        payload -> Jsonb,
        state -> Text,
        due_at -> Timestamptz,
        leased_until -> Nullable<Timestamptz>,
        attempts -> Integer,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.keys (id) {
        id -> Uuid,
        purpose -> Text,
        wrapped -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.lead_conversions (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        lead_id -> Uuid,
        company_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        deal_id -> Nullable<Uuid>,
        at -> Timestamptz,
    }
}

diesel::table! {
    kontor.lead_links (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        lead_id -> Uuid,
        other_lead_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        company_id -> Nullable<Uuid>,
        reason -> Text,
        similarity -> Integer,
    }
}

diesel::table! {
    kontor.lead_merges (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        lead_id -> Uuid,
        into_id -> Uuid,
        status_before -> Text,
        filled -> Jsonb,
        moved -> Array<Uuid>,
        at -> Timestamptz,
        joined -> Array<Uuid>,
    }
}

diesel::table! {
    kontor.lead_scores (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        score -> Integer,
        grade -> Text,
        parts -> Jsonb,
        computed_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.lead_settings (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        respond_within_hours -> Integer,
        minimum_score -> Nullable<Integer>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.lead_tags (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        lead_id -> Uuid,
        tag_id -> Uuid,
    }
}

diesel::table! {
    kontor.leads (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        organisation -> Nullable<Text>,
        organisation_key -> Nullable<Text>,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        domain -> Nullable<Text>,
        phone -> Nullable<Text>,
        phone_tail -> Nullable<Text>,
        source -> Nullable<Text>,
        industry -> Nullable<Text>,
        employees -> Nullable<Integer>,
        country -> Nullable<Text>,
        postal_code -> Nullable<Text>,
        city -> Nullable<Text>,
        status -> Text,
        owner_id -> Nullable<Uuid>,
        territory_id -> Nullable<Uuid>,
        nurture_until -> Nullable<Date>,
        lost_reason -> Nullable<Text>,
        lost_note -> Nullable<Text>,
        reopened -> Integer,
        respond_by -> Nullable<Timestamptz>,
        responded_at -> Nullable<Timestamptz>,
        merged_into_id -> Nullable<Uuid>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        score_key -> Integer,
    }
}

diesel::table! {
    kontor.membership_roles (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        role_id -> Uuid,
    }
}

diesel::table! {
    kontor.memberships (tenant_id, user_id) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        roles -> Array<Text>,
        created_at -> Timestamptz,
        manager_id -> Nullable<Uuid>,
        deactivated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.outbox (tenant_id, position) {
        tenant_id -> Uuid,
        position -> BigInt,
        at -> Timestamptz,
        audit_id -> Uuid,
        table_name -> Text,
        record_id -> Uuid,
        action -> Text,
        actor_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    kontor.password_resets (hash) {
        hash -> Bytea,
        user_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.pipelines (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        position -> Integer,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.recovery_codes (user_id, hash) {
        user_id -> Uuid,
        hash -> Bytea,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.refresh_tokens (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        session_id -> Uuid,
        hash -> Bytea,
        created_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.reporting_lines (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        manager_id -> Uuid,
        member_id -> Uuid,
    }
}

diesel::table! {
    kontor.role_grants (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        role_id -> Uuid,
        permission -> Text,
        reach -> Text,
    }
}

diesel::table! {
    kontor.roles (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.sales_settings (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        won_without_quote -> Bool,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.saved_views (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        owner_id -> Uuid,
        name -> Text,
        name_key -> Text,
        kind -> Text,
        visibility -> Text,
        conditions -> Jsonb,
        sorting -> Jsonb,
        shown -> Array<Text>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.schedules (name) {
        name -> Text,
        next_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.score_rules (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        field -> Nullable<Text>,
        operator -> Nullable<Text>,
        value -> Nullable<Text>,
        event -> Nullable<Text>,
        direction -> Nullable<Text>,
        points -> Integer,
        half_life_days -> Nullable<Integer>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.secrets (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        row_id -> Uuid,
        key_id -> Uuid,
        sealed -> Bytea,
    }
}

diesel::table! {
    kontor.security_policies (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        administrator_addresses -> Array<Text>,
        step_up_permissions -> Array<Text>,
        recorded_permissions -> Array<Text>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.sessions (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        ended_by -> Nullable<Text>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        second_factor_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.sign_in_attempts (key) {
        key -> Bytea,
        account -> Nullable<Bytea>,
        failures -> Integer,
        last_at -> Timestamptz,
        blocked_until -> Timestamptz,
    }
}

diesel::table! {
    kontor.sso_attempts (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        provider_id -> Uuid,
        hash -> Bytea,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.sso_identities (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        provider_id -> Uuid,
        subject -> Text,
        user_id -> Uuid,
        managed -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.sso_providers (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        issuer -> Text,
        client_id -> Text,
        scopes -> Array<Text>,
        roles_claim -> Nullable<Text>,
        role_mappings -> Jsonb,
        default_role_ids -> Array<Uuid>,
        enabled -> Bool,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.stage_changes (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        deal_id -> Uuid,
        from_stage_id -> Nullable<Uuid>,
        to_stage_id -> Uuid,
        at -> Timestamptz,
        by_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        seconds_in_previous -> Nullable<Integer>,
    }
}

diesel::table! {
    kontor.stages (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        pipeline_id -> Uuid,
        name -> Text,
        name_key -> Text,
        position -> Integer,
        kind -> Text,
        probability -> Integer,
        required_fields -> Array<Text>,
        max_days -> Nullable<Integer>,
        allow_skip -> Bool,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kontor.tags (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        colour -> Nullable<Text>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.tenants (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        currency -> Text,
        time_zone -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.territories (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        parent_id -> Nullable<Uuid>,
        lineage -> Array<Uuid>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.territory_members (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        territory_id -> Uuid,
        user_id -> Uuid,
        is_manager -> Bool,
        present -> Bool,
        lead_cap -> Nullable<Integer>,
    }
}

diesel::table! {
    kontor.territory_rules (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        territory_id -> Uuid,
        countries -> Nullable<Array<Text>>,
        postal_prefixes -> Nullable<Array<Text>>,
        industries -> Nullable<Array<Text>>,
        employees_min -> Nullable<Integer>,
        employees_max -> Nullable<Integer>,
        priority -> Integer,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    kontor.territory_turns (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        last_user_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    kontor.user_factors (user_id) {
        user_id -> Uuid,
        created_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        last_step -> BigInt,
    }
}

diesel::table! {
    kontor.users (id) {
        id -> Uuid,
        email -> Text,
        email_key -> Text,
        name -> Text,
        password_hash -> Text,
        active -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::joinable!(activities -> tenants (tenant_id));
diesel::joinable!(companies -> tenants (tenant_id));
diesel::joinable!(contacts -> tenants (tenant_id));
diesel::joinable!(deals -> tenants (tenant_id));
diesel::joinable!(leads -> tenants (tenant_id));
diesel::joinable!(memberships -> tenants (tenant_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(password_resets -> users (user_id));
diesel::joinable!(recovery_codes -> users (user_id));
diesel::joinable!(user_factors -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(activities, companies);
diesel::allow_tables_to_appear_in_same_query!(activities, contacts);
diesel::allow_tables_to_appear_in_same_query!(activities, deals);
diesel::allow_tables_to_appear_in_same_query!(activities, leads);
diesel::allow_tables_to_appear_in_same_query!(activities, memberships);
diesel::allow_tables_to_appear_in_same_query!(activities, tenants);
diesel::allow_tables_to_appear_in_same_query!(api_client_secrets, api_clients);
diesel::allow_tables_to_appear_in_same_query!(api_client_uses, api_clients);
diesel::allow_tables_to_appear_in_same_query!(companies, memberships);
diesel::allow_tables_to_appear_in_same_query!(companies, tenants);
diesel::allow_tables_to_appear_in_same_query!(companies, territories);
diesel::allow_tables_to_appear_in_same_query!(company_tags, companies);
diesel::allow_tables_to_appear_in_same_query!(company_tags, tags);
diesel::allow_tables_to_appear_in_same_query!(contact_tags, contacts);
diesel::allow_tables_to_appear_in_same_query!(contact_tags, tags);
diesel::allow_tables_to_appear_in_same_query!(contacts, companies);
diesel::allow_tables_to_appear_in_same_query!(contacts, memberships);
diesel::allow_tables_to_appear_in_same_query!(contacts, tenants);
diesel::allow_tables_to_appear_in_same_query!(contacts, territories);
diesel::allow_tables_to_appear_in_same_query!(deal_tags, deals);
diesel::allow_tables_to_appear_in_same_query!(deal_tags, tags);
diesel::allow_tables_to_appear_in_same_query!(deals, companies);
diesel::allow_tables_to_appear_in_same_query!(deals, contacts);
diesel::allow_tables_to_appear_in_same_query!(deals, memberships);
diesel::allow_tables_to_appear_in_same_query!(deals, stages);
diesel::allow_tables_to_appear_in_same_query!(deals, tenants);
diesel::allow_tables_to_appear_in_same_query!(deals, territories);
diesel::allow_tables_to_appear_in_same_query!(document_aliases, api_clients);
diesel::allow_tables_to_appear_in_same_query!(document_aliases, documents);
diesel::allow_tables_to_appear_in_same_query!(document_uses, api_clients);
diesel::allow_tables_to_appear_in_same_query!(documents, api_clients);
diesel::allow_tables_to_appear_in_same_query!(field_uses, api_clients);
diesel::allow_tables_to_appear_in_same_query!(lead_conversions, companies);
diesel::allow_tables_to_appear_in_same_query!(lead_conversions, contacts);
diesel::allow_tables_to_appear_in_same_query!(lead_conversions, deals);
diesel::allow_tables_to_appear_in_same_query!(lead_conversions, leads);
diesel::allow_tables_to_appear_in_same_query!(lead_links, companies);
diesel::allow_tables_to_appear_in_same_query!(lead_links, contacts);
diesel::allow_tables_to_appear_in_same_query!(lead_links, leads);
diesel::allow_tables_to_appear_in_same_query!(lead_merges, leads);
diesel::allow_tables_to_appear_in_same_query!(lead_scores, leads);
diesel::allow_tables_to_appear_in_same_query!(lead_tags, leads);
diesel::allow_tables_to_appear_in_same_query!(lead_tags, tags);
diesel::allow_tables_to_appear_in_same_query!(leads, memberships);
diesel::allow_tables_to_appear_in_same_query!(leads, tenants);
diesel::allow_tables_to_appear_in_same_query!(leads, territories);
diesel::allow_tables_to_appear_in_same_query!(membership_roles, memberships);
diesel::allow_tables_to_appear_in_same_query!(membership_roles, roles);
diesel::allow_tables_to_appear_in_same_query!(memberships, tenants);
diesel::allow_tables_to_appear_in_same_query!(memberships, users);
diesel::allow_tables_to_appear_in_same_query!(password_resets, users);
diesel::allow_tables_to_appear_in_same_query!(recovery_codes, users);
diesel::allow_tables_to_appear_in_same_query!(refresh_tokens, sessions);
diesel::allow_tables_to_appear_in_same_query!(reporting_lines, memberships);
diesel::allow_tables_to_appear_in_same_query!(role_grants, roles);
diesel::allow_tables_to_appear_in_same_query!(saved_views, memberships);
diesel::allow_tables_to_appear_in_same_query!(sessions, memberships);
diesel::allow_tables_to_appear_in_same_query!(sso_attempts, sso_providers);
diesel::allow_tables_to_appear_in_same_query!(sso_identities, memberships);
diesel::allow_tables_to_appear_in_same_query!(sso_identities, sso_providers);
diesel::allow_tables_to_appear_in_same_query!(stage_changes, deals);
diesel::allow_tables_to_appear_in_same_query!(stage_changes, stages);
diesel::allow_tables_to_appear_in_same_query!(stages, pipelines);
diesel::allow_tables_to_appear_in_same_query!(territory_members, memberships);
diesel::allow_tables_to_appear_in_same_query!(territory_members, territories);
diesel::allow_tables_to_appear_in_same_query!(territory_rules, territories);
diesel::allow_tables_to_appear_in_same_query!(territory_turns, territories);
diesel::allow_tables_to_appear_in_same_query!(user_factors, users);
