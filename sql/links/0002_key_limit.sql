-- The limit of idempotency keys holds for concurrent requests, too.
--
-- link_create() counted the user's keys before it had a lock, so as many
-- requests as were sent at once passed the limit. It now counts them when it
-- has locked the user's row of link_owner.

CREATE OR REPLACE FUNCTION link_create(p_user text, p_slug text, p_target text,
	p_title text, p_enabled boolean, p_expires_at timestamptz,
	p_password_hash text, p_key text, p_sha256 bytea, p_links_max bigint,
	p_keys_max bigint, OUT code text, OUT replayed boolean, OUT made link)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	k link_key;
	o link_owner;
	v_new bigint;
BEGIN
	replayed := false;
	IF p_key IS NOT NULL THEN
		SELECT * INTO k FROM link_key
		WHERE user_id = p_user AND key = p_key;
		IF k.key IS NOT NULL AND k.request_sha256 <> p_sha256 THEN
			code := 'IDEMPOTENCY_KEY_REUSED';
			RETURN;
		END IF;
		IF k.key IS NOT NULL THEN
			replayed := true;
			made.id := k.link_id;
			made.user_id := p_user;
			made.slug := k.slug;
			made.target := p_target;
			made.title := p_title;
			made.enabled := p_enabled;
			made.expires_at := p_expires_at;
			made.password_hash := p_password_hash;
			made.version := 1;
			made.created_at := k.created_at;
			made.updated_at := k.created_at;
			RETURN;
		END IF;
	END IF;
	INSERT INTO link_owner (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
	SELECT * INTO o FROM link_owner WHERE user_id = p_user
	FOR NO KEY UPDATE;
	IF p_key IS NOT NULL AND (SELECT count(*) FROM (SELECT FROM link_key
			WHERE user_id = p_user LIMIT p_keys_max) taken)
		>= p_keys_max THEN
		code := 'TOO_MANY_IDEMPOTENCY_KEYS';
		RETURN;
	END IF;
	IF o.links >= p_links_max OR o.slugs >= 2 * p_links_max THEN
		code := 'TOO_MANY_LINKS';
		RETURN;
	END IF;
	INSERT INTO link_slug AS s (look, user_id)
	VALUES (link_look(p_slug), p_user)
	ON CONFLICT (look) DO UPDATE SET released_at = NULL
	WHERE s.user_id = p_user AND s.released_at IS NOT NULL
	-- xmax is 0 in a row that was inserted, not in one that was updated
	RETURNING (xmax = 0)::int INTO v_new;
	IF NOT FOUND THEN
		code := 'SLUG_TAKEN';
		RETURN;
	END IF;
	INSERT INTO link (user_id, slug, target, title, enabled, expires_at,
		password_hash)
	VALUES (p_user, p_slug, p_target, p_title, p_enabled, p_expires_at,
		p_password_hash)
	RETURNING * INTO made;
	UPDATE link_owner SET links = links + 1, slugs = slugs + v_new
	WHERE user_id = p_user;
	IF p_key IS NOT NULL THEN
		INSERT INTO link_key (user_id, key, request_sha256, link_id, slug,
			created_at)
		VALUES (p_user, p_key, p_sha256, made.id, made.slug,
			made.created_at)
		ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'another request had the key'
				USING ERRCODE = 'serialization_failure';
		END IF;
	END IF;
END
$$;
