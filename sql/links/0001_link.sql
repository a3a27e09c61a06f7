-- Short links, their slugs, and how often they were followed.
--
-- The application's role reads these tables, and changes links and counts only
-- by the functions below and by the columns that are granted: so a user's
-- number of links and slugs is always counted.
--
-- Locks are taken in this order: link_owner, link_slug, link, link_epoch.

-- A row for each user after the first contact. `slugs` counts the links and the
-- slugs of deleted links that are still kept for the user.
CREATE TABLE link_owner (
	user_id text PRIMARY KEY CHECK (user_id <> ''),
	links bigint NOT NULL DEFAULT 0 CHECK (links >= 0),
	slugs bigint NOT NULL DEFAULT 0 CHECK (slugs >= links),
	created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50); -- each new link changes the row, but never its key

-- Every slug that is in use, or was. A slug of a deleted link stays with its
-- user for a while (LINKS_SLUG_KEEP_DAYS), so that nobody else can take over
-- the address that is printed or sent somewhere. `look` is the slug with
-- characters that look alike replaced by one of them: so nobody gets a slug
-- that people would take for another one.
CREATE TABLE link_slug (
	look text PRIMARY KEY,
	user_id text NOT NULL REFERENCES link_owner (user_id),
	released_at timestamptz -- NULL: a link has the slug
);
CREATE INDEX link_slug_released ON link_slug (released_at)
	WHERE released_at IS NOT NULL;

CREATE TABLE link (
	id uuid PRIMARY KEY DEFAULT uuidv7(),
	user_id text NOT NULL REFERENCES link_owner (user_id),
	slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9_-]{3,64}$'),
	target text NOT NULL CHECK (octet_length(target) BETWEEN 8 AND 2048
		AND target !~ '[[:cntrl:][:space:]]'),
	title text CHECK (char_length(title) BETWEEN 1 AND 200),
	enabled boolean NOT NULL DEFAULT true,
	expires_at timestamptz,
	password_hash text,
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
-- For lists of a user's links, newest first.
CREATE INDEX link_user ON link (user_id, id);

-- The keys of requests that have created a link (web/idempotency.h). The rest of
-- the first response can be computed from the request.
CREATE TABLE link_key (
	user_id text NOT NULL,
	key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
	request_sha256 bytea NOT NULL,
	link_id uuid NOT NULL,
	slug text NOT NULL,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (user_id, key)
);
CREATE INDEX link_key_age ON link_key (created_at);

-- The number that makes cached links outdated (services/links/redirect/
-- redirect_cache.h). It is raised with a change that could not be told to
-- Redis.
CREATE TABLE link_epoch (
	singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
	epoch bigint NOT NULL
);
INSERT INTO link_epoch (epoch) VALUES (1);

-- Clicks as the processes report them, once a second. The job link.count moves
-- them into click_day. No address and no whole header is stored.
CREATE TABLE click_buffer (
	link_id uuid NOT NULL,
	day date NOT NULL,
	referrer text NOT NULL CHECK (octet_length(referrer) <= 64),
	agent text NOT NULL CHECK (octet_length(agent) <= 32),
	clicks bigint NOT NULL CHECK (clicks > 0)
);
CREATE INDEX click_buffer_link ON click_buffer (link_id);

-- The clicks of a link on a day (UTC): all of them, and those by the host of
-- the referrer, and by the family of the user agent.
CREATE TABLE click_day (
	link_id uuid NOT NULL REFERENCES link (id) ON DELETE CASCADE,
	day date NOT NULL,
	dimension text NOT NULL CHECK (dimension IN ('all', 'referrer', 'agent')),
	value text NOT NULL,
	clicks bigint NOT NULL CHECK (clicks > 0),
	PRIMARY KEY (link_id, day, dimension, value)
);
CREATE INDEX click_day_age ON click_day (day);

-- All clicks of a link; deleting old days does not change it.
CREATE TABLE click_total (
	link_id uuid PRIMARY KEY REFERENCES link (id) ON DELETE CASCADE,
	clicks bigint NOT NULL
);

-- Characters that look alike in many fonts become one: 0 and o; 1, i and l;
-- _ and -.
CREATE FUNCTION link_look(p_slug text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN translate(p_slug, '01i_', 'oll-');

-- For the application, which may not lock rows that it cannot change.
CREATE FUNCTION link_owner_lock(p_user text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	PERFORM FROM link_owner WHERE user_id = p_user FOR NO KEY UPDATE;
END
$$;

-- Creates a link within the user's limit. `code` says why none was created. If
-- an earlier request with the same key has created one, none is created, and
-- `made` is that link as it was then. If a concurrent transaction has used the
-- key, the statement fails with serialization_failure; when it is retried, it
-- sees what that transaction has committed.
CREATE FUNCTION link_create(p_user text, p_slug text, p_target text,
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
		IF (SELECT count(*) FROM (SELECT FROM link_key
				WHERE user_id = p_user LIMIT p_keys_max) taken)
			>= p_keys_max THEN
			code := 'TOO_MANY_IDEMPOTENCY_KEYS';
			RETURN;
		END IF;
	END IF;
	INSERT INTO link_owner (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
	SELECT * INTO o FROM link_owner WHERE user_id = p_user
	FOR NO KEY UPDATE;
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

-- Deletes a link; its slug stays with the user. Returns false when the user has
-- no such link.
CREATE FUNCTION link_delete(p_user text, p_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_slug text;
BEGIN
	PERFORM FROM link_owner WHERE user_id = p_user FOR NO KEY UPDATE;
	SELECT slug INTO v_slug FROM link WHERE user_id = p_user AND id = p_id;
	IF v_slug IS NULL THEN
		RETURN false;
	END IF;
	UPDATE link_slug SET released_at = now() WHERE look = link_look(v_slug);
	DELETE FROM link WHERE id = p_id;
	UPDATE link_owner SET links = links - 1 WHERE user_id = p_user;
	RETURN true;
END
$$;

-- Gives up at most p_limit slugs of links that were deleted more than p_days
-- ago; returns how many.
CREATE FUNCTION link_forget_slugs(p_days bigint, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_user text;
	v_count bigint := 0;
	v_one bigint;
BEGIN
	FOR v_user IN
		SELECT DISTINCT user_id FROM (SELECT user_id FROM link_slug
			WHERE released_at < now() - p_days * interval '1 day'
			ORDER BY released_at LIMIT p_limit) old
		ORDER BY user_id
	LOOP
		PERFORM FROM link_owner WHERE user_id = v_user FOR NO KEY UPDATE;
		DELETE FROM link_slug WHERE look IN (SELECT look FROM link_slug
			WHERE user_id = v_user
				AND released_at < now() - p_days * interval '1 day'
			LIMIT p_limit);
		GET DIAGNOSTICS v_one = ROW_COUNT;
		UPDATE link_owner SET slugs = slugs - v_one WHERE user_id = v_user;
		v_count := v_count + v_one;
	END LOOP;
	RETURN v_count;
END
$$;
CREATE INDEX link_slug_user ON link_slug (user_id);

-- Moves at most p_limit rows of click_buffer into click_day and click_total;
-- returns how many. Clicks of deleted links are dropped. A link has at most
-- p_referrers_max referrers on one day, besides "(other)", because a client can
-- send any referrer.
CREATE FUNCTION click_count(p_limit bigint, p_referrers_max bigint)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_count bigint;
BEGIN
	WITH taken AS (
		DELETE FROM click_buffer WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM click_buffer LIMIT p_limit
			FOR UPDATE SKIP LOCKED))
		RETURNING *
	), kept AS (
		SELECT t.* FROM taken t JOIN link l ON l.id = t.link_id
	), by_referrer AS (
		SELECT link_id, day, referrer, sum(clicks) AS clicks FROM kept
		GROUP BY link_id, day, referrer
	), placed AS (
		SELECT r.*, d.link_id IS NOT NULL AS known,
			(SELECT count(*) FROM click_day c
				WHERE c.link_id = r.link_id AND c.day = r.day
					AND c.dimension = 'referrer')
			+ row_number() OVER (PARTITION BY r.link_id, r.day,
					d.link_id IS NOT NULL
				ORDER BY r.clicks DESC, r.referrer) AS place
		FROM by_referrer r LEFT JOIN click_day d
			ON d.link_id = r.link_id AND d.day = r.day
				AND d.dimension = 'referrer' AND d.value = r.referrer
	), sums AS (
		SELECT link_id, day, 'referrer' AS dimension,
			CASE WHEN known OR place <= p_referrers_max THEN referrer
				ELSE '(other)' END AS value, sum(clicks) AS clicks
		FROM placed GROUP BY 1, 2, 4
		UNION ALL
		SELECT link_id, day, 'agent', agent, sum(clicks) FROM kept
		GROUP BY 1, 2, 4
		UNION ALL
		SELECT link_id, day, 'all', '', sum(clicks) FROM kept
		GROUP BY 1, 2
	), stored AS (
		INSERT INTO click_day AS d (link_id, day, dimension, value, clicks)
		SELECT * FROM sums ORDER BY link_id, day, dimension, value
		ON CONFLICT (link_id, day, dimension, value)
		DO UPDATE SET clicks = d.clicks + EXCLUDED.clicks
	), totals AS (
		INSERT INTO click_total AS t (link_id, clicks)
		SELECT link_id, sum(clicks) FROM kept GROUP BY link_id
		ORDER BY link_id
		ON CONFLICT (link_id) DO UPDATE SET clicks = t.clicks + EXCLUDED.clicks
	)
	SELECT count(*) INTO v_count FROM taken;
	RETURN v_count;
END
$$;

DO $$
DECLARE
	v_function regprocedure;
BEGIN
	FOR v_function IN
		SELECT oid FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
			AND proname ~ '^(link|click)_'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC',
			v_function);
	END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION
	link_look(text),
	link_create(text, text, text, text, boolean, timestamptz, text, text,
		bytea, bigint, bigint),
	link_owner_lock(text), link_delete(text, uuid),
	link_forget_slugs(bigint, bigint),
	click_count(bigint, bigint) TO links;
GRANT SELECT ON link, link_slug, link_owner, link_epoch, click_buffer,
	click_day, click_total TO links;
GRANT INSERT (user_id) ON link_owner TO links;
GRANT UPDATE (target, title, enabled, expires_at, password_hash, version,
	updated_at) ON link TO links;
GRANT UPDATE (epoch) ON link_epoch TO links;
GRANT SELECT, DELETE ON link_key TO links;
GRANT INSERT ON click_buffer TO links;
GRANT DELETE ON click_day TO links;
