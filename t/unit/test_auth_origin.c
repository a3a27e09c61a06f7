#include "unit.h"

#include "auth/http/csrf.h"
#include "base/attr.h"
#include "base/str.h"
#include "web/origins.h"

static struct origins *o;
static struct origin_problem problem;

static void
setup(void)
{
	o = origins_new("http://127.0.0.1:8080/",
	    "https://ok.example, https://*.wild.example,*.any.example:8443,"
	    "myapp://,other://host,http://10.*,192.168.*.*:8080,"
	    "exp://*.dev,wild://*,path://host/cb/*",
	    &problem);
	ck_assert_ptr_nonnull(o);
}

static void
teardown(void)
{
	origins_free(o);
}

/* clang-format off */
static const struct {
	const char *url;
	const char *origin; /* NULL: none */
} origin_rows[] = {
	{ "http://a.b", "http://a.b" },
	{ "HTTP://A.b/", "http://a.b" },
	{ "https://a.b:443/x?y#z", "https://a.b" },
	{ "https://a.b:0443", "https://a.b" },
	{ "https://a.b:80", "https://a.b:80" },
	{ "http://a.b:", "http://a.b" },
	{ "http://a.b:65535/", "http://a.b:65535" },
	{ "http://[::1]:8080/x", "http://[::1]:8080" },
	{ "http://a.b?c", "http://a.b" },
	{ "http://a.b#c", "http://a.b" },
	{ "http://a.b/\xc3\xbc", "http://a.b" },
	{ "", NULL },
	{ "null", NULL },
	{ "/", NULL },
	{ "a.b", NULL },
	{ "//a.b", NULL },
	{ "http:", NULL },
	{ "http:/a.b", NULL },
	{ "http:a.b", NULL },
	{ "http://", NULL },
	{ "http:///a.b", NULL },
	{ "http://:80", NULL },
	{ "http://a.b:x", NULL },
	{ "http://a.b:65536", NULL },
	{ "http://a.b:000080", NULL },
	{ "http://a.b:8 0", NULL },
	{ "http://a.b@c.d", NULL },
	{ "http://a.b:80@c.d", NULL },
	{ "http://@c.d", NULL },
	{ "http://a.b\\@c.d", NULL },
	{ "http:\\\\a.b", NULL },
	{ "http://a.b\\c", NULL },
	{ "http://a.b/\\c", NULL },
	{ " http://a.b", NULL },
	{ "http://a.b ", NULL },
	{ "http://a.b\n", NULL },
	{ "ht\ttp://a.b", NULL },
	{ "http://a\t.b", NULL },
	{ "http://[::1", NULL },
	{ "http://[]", NULL },
	{ "http://\xc3\xbc.b", NULL },
	{ "http://a%2eb", NULL },
	{ "ftp://a.b", NULL },
	{ "javascript://a.b", NULL },
};

static const struct {
	const char *url;
	bool trusted;
} trust_rows[] = {
	{ "http://127.0.0.1:8080", true },
	{ "http://127.0.0.1:8080/any/page?x=y", true },
	{ "http://127.0.0.1", false },
	{ "https://127.0.0.1:8080", false },
	{ "http://127.0.0.1:8080.evil.example", false },
	{ "http://127.0.0.1:8080@evil.example", false },
	{ "http://127.1:8080", false },
	{ "https://ok.example", true },
	{ "https://OK.example", true },
	{ "https://ok.example:443/", true },
	{ "https://ok.example.", false },
	{ "https://ok.example:8443", false },
	{ "http://ok.example", false },
	{ "https://x.ok.example", false },
	{ "https://okxexample", false },
	{ "https://ok.example.evil.example", false },
	{ "https://a.wild.example", true },
	{ "https://a.b.wild.example/x", true },
	{ "https://wild.example", false },
	{ "https://evilwild.example", false },
	{ "https://a.wild.example:8443", false },
	{ "http://a.wild.example", false },
	{ "https://evil.example/.wild.example", false },
	{ "https://evil.example?.wild.example", false },
	{ "http://a.any.example:8443", true },
	{ "https://a.any.example:8443", true },
	{ "https://a.any.example", false },
	{ "myapp://", true },
	{ "myapp://anything/at/all", true },
	{ "MYAPP://x", true },
	{ "myapp2://x", false },
	{ "other://host/path", true },
	{ "other://host", true },
	{ "other://host.evil", false },
	{ "other://evil", false },
	{ "other:host", false },
	{ "javascript:alert(1)", false },
	{ "null", false },
	{ "", false },
	{ "*", false },
	{ "https://*.wild.example", false },
	{ "http://10.1.2.3", true },
	{ "http://10.1.2.3/x", true },
	{ "http://10.evil.example", false },
	{ "http://10.1.2.3.evil.example", false },
	{ "http://10.1.2", false },
	{ "http://10.1.2.3:80", true },
	{ "http://10.1.2.3:8080", true },
	{ "https://192.168.0.1:8080", true },
	{ "https://192.168.0.1", false },
	{ "https://192.168.evil.example:8080", false },
	{ "exp://a.dev", true },
	{ "exp://A.dev/any/path", true },
	{ "exp://a.dev.evil", false },
	{ "exp://x@a.dev", false },
	{ "expo://a.dev", false },
	{ "wild://a/x", true },
	{ "wild://", true },
	{ "wilder://a", false },
	{ "path://host/cb/x", true },
	{ "path://host/cb/x/y", false },
	{ "path://host/cb/../x", false },
	{ "path://host/cb/%2e%2e", false },
	{ "path://host/other", false },
	{ "path://other/cb/x", false },
	{ "path://host", false },
};

static const struct {
	const char *url;
	bool trusted;
} target_rows[] = {
	{ "/", true },
	{ "/a/b?c=d&e=/f#g", true },
	{ "/a b", true },
	{ "/\xc3\xbc", true },
	{ "/a?b=%2f%5c\xc3\xbc", true },
	{ "https://ok.example/x", true },
	{ "", false },
	{ "a", false },
	{ " /a", false },
	{ "//evil.example", false },
	{ "/\\evil.example", false },
	{ "\\/evil.example", false },
	{ "/\t/evil.example", false },
	{ "/\n/evil.example", false },
	{ "/a\r\nSet-Cookie: x", false },
	{ "/\x7f", false },
	{ "/\xc2\x85", false },
	{ "/%2fevil.example", false },
	{ "/a%5Cevil.example", false },
	{ "?a", false },
	{ "#a", false },
	{ "https:evil", false },
	{ "https:/evil", false },
	{ "https://evil.example", false },
	{ "javascript:alert(1)", false },
	{ "data:text/html,x", false },
};

static const struct {
	const char *pattern;
	const char *instead;
} bad_patterns[] = {
	{ "ok.example", "https://ok.example" },
	{ "ok.example:8443", "https://ok.example:8443" },
	{ "ok.example/app", "https://ok.example" },
	{ "https://", "" },
	{ "https://*.ok.example/", "https://*.ok.example" },
	{ "https://*.ok.example/*", "https://*.ok.example" },
	{ "https://*.ok.example#", "https://*.ok.example" },
	{ "*.ok.example/", "*.ok.example" },
	{ "https://*.ok.example:443", "https://*.ok.example" },
	{ "http://*.ok.example:80", "http://*.ok.example" },
	{ "*.ok.example:443", "*.ok.example" },
	{ "https://*.ok.example:08443", "https://*.ok.example" },
	{ "https://*.ok.example:65536", "https://*.ok.example" },
	{ "https://me@*.ok.example", "https://*.ok.example" },
	{ "https://*.ok.example;https://b.example", "" },
	{ "https://*.o(k", "" },
	{ "*://ok.example", "https://ok.example" },
	{ "http*://ok.example", "https://ok.example" },
	{ "https?://ok.example", "https://ok.example" },
	{ "https://ok.example/path", "https://ok.example" },
	{ "https://ok.example//", "https://ok.example" },
	{ "https://a@b.example", "https://b.example" },
	{ "https://a.example;https://b.example", "https://a.example" },
	{ "https://.ok.example", "https://*.ok.example" },
	{ "https://ok.example:99999", "" },
	{ "\"https://ok.example\"", "https://ok.example" },
	{ "'*.ok.example'", "*.ok.example" },
	{ "https:/ok.example", "" },
	{ "null", "" },
	{ "https://\xc3\xbc.example", "" },
	{ "https:\\\\ok.example", "" },
	{ "myapp:", "" },
	{ "myapp://host/path", "myapp://host" },
	{ "://x", "https://x" },
};

#define POST .method = "POST"
#define OWN "http://127.0.0.1:8080"
static const struct {
	struct csrf_facts facts;
	bool allowed;
} csrf_rows[] = {
	{ { .method = "GET" }, true },
	{ { .method = "HEAD", .origin = "https://evil.example" }, true },
	{ { .method = "OPTIONS", .fetch_site = "cross-site" }, true },
	{ { .method = "GET", .origin = "https://evil.example",
	    .upgrade = "websocket" }, false },
	{ { .method = "GET", .origin = OWN, .upgrade = "websocket" }, true },
	{ { .method = "GET", .upgrade = "websocket" }, true },
	{ { .method = "get" }, false },
	{ { .method = "PROPFIND" }, false },
	{ { POST }, false },
	{ { POST, .origin = "" }, false },
	{ { POST, .origin = OWN }, true },
	{ { POST, .origin = OWN, .fetch_site = "cross-site" }, true },
	{ { POST, .origin = "https://a.wild.example" }, true },
	{ { POST, .origin = "https://evil.example" }, false },
	{ { POST, .origin = "https://evil.example", .referer = OWN "/" },
	  false },
	{ { POST, .origin = "https://evil.example",
	    .fetch_site = "same-origin" }, false },
	{ { POST, .origin = "null" }, false },
	{ { POST, .origin = "null", .referer = OWN "/" }, false },
	{ { POST, .origin = "null", .fetch_site = "same-origin" }, true },
	{ { POST, .origin = "null", .fetch_site = "none" }, true },
	{ { POST, .origin = "null", .fetch_site = "same-site" }, false },
	{ { POST, .fetch_site = "same-origin" }, true },
	{ { POST, .fetch_site = "none" }, true },
	{ { POST, .fetch_site = "same-site" }, false },
	{ { POST, .fetch_site = "cross-site" }, false },
	{ { POST, .fetch_site = "cross-site", .referer = OWN "/" }, false },
	{ { POST, .fetch_site = "Same-Origin" }, false },
	{ { POST, .referer = OWN "/page" }, true },
	{ { POST, .referer = "https://evil.example/" OWN }, false },
	{ { POST, .referer = "/" }, false },
	{ { .method = "DELETE", .origin = OWN }, true },
	{ { .method = "PATCH" }, false },
};
/* clang-format on */

START_TEST(origin_of_returns_the_expected_origin)
{
	char origin[ORIGIN_MAX];
	bool ok = origin_of(origin_rows[_i].url, origin);

	ck_assert_msg(
	    ok == (origin_rows[_i].origin != NULL), "%s", origin_rows[_i].url);
	if (ok)
		ck_assert_str_eq(origin, origin_rows[_i].origin);
}
END_TEST

START_TEST(origin_of_longest_host)
{
	char url[ORIGIN_MAX + 32] = "https://", origin[ORIGIN_MAX];

	for (size_t n = 8; n < sizeof(url) - 1; n++) {
		url[n] = 'a';
		url[n + 1] = '\0';
		if (origin_of(url, origin))
			ck_assert_str_eq(origin, url);
		else
			ck_assert_uint_gt(n, ORIGIN_MAX - 20);
	}
}
END_TEST

START_TEST(origins_are_trusted_or_not_as_expected)
{
	ck_assert_msg(
	    origins_trust(o, trust_rows[_i].url) == trust_rows[_i].trusted,
	    "%s", trust_rows[_i].url);
}
END_TEST

START_TEST(redirect_targets_are_accepted_or_not_as_expected)
{
	ck_assert_msg(origins_trust_target(o, target_rows[_i].url) ==
			  target_rows[_i].trusted,
	    "%s", target_rows[_i].url);
}
END_TEST

START_TEST(bad_pattern_is_refused)
{
	struct origin_pattern again;

	ck_assert_msg(origins_new("http://127.0.0.1:8080",
			  bad_patterns[_i].pattern, &problem) == NULL,
	    "%s", bad_patterns[_i].pattern);
	ck_assert(!problem.is_own);
	ck_assert_str_eq(problem.entry, bad_patterns[_i].pattern);
	ck_assert_str_eq(problem.instead, bad_patterns[_i].instead);
	ck_assert_uint_gt(strlen(problem.why), 0);
	if (*problem.instead != '\0')
		ck_assert(
		    origin_pattern_read(problem.instead, &again, &problem));
}
END_TEST

START_TEST(invalid_own_url_is_refused)
{
	static const char *const urls[] = { "127.0.0.1:8080",
		"http://127.0.0.1:8080/base", "https://*.ok.example", "*",
		"myapp://", "" };

	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		ck_assert_ptr_null(origins_new(urls[i], "", &problem));
		ck_assert(problem.is_own);
	}
}
END_TEST

START_TEST(requests_pass_the_csrf_check_or_not_as_expected)
{
	ck_assert(
	    csrf_allows(o, &csrf_rows[_i].facts) == csrf_rows[_i].allowed);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_origin");
	TCase *tc = tcase_create("origin");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, origin_of_returns_the_expected_origin, 0,
	    COUNT_OF(origin_rows));
	tcase_add_test(tc, origin_of_longest_host);
	tcase_add_loop_test(tc, origins_are_trusted_or_not_as_expected, 0,
	    COUNT_OF(trust_rows));
	tcase_add_loop_test(tc,
	    redirect_targets_are_accepted_or_not_as_expected, 0,
	    COUNT_OF(target_rows));
	tcase_add_loop_test(
	    tc, bad_pattern_is_refused, 0, COUNT_OF(bad_patterns));
	tcase_add_test(tc, invalid_own_url_is_refused);
	tcase_add_loop_test(tc, requests_pass_the_csrf_check_or_not_as_expected,
	    0, COUNT_OF(csrf_rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
