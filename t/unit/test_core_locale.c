#include <stddef.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "core/profile/locale.h"

static const struct {
	const char *tag, *canonical;
} good[] = {
	{ "en", "en" },
	{ "EN", "en" },
	{ "de-DE", "de-DE" },
	{ "DE-de", "de-DE" },
	{ "ast", "ast" },
	{ "root", "root" }, /* a language of four letters: reserved, but
	                       well-formed */
	{ "abcdefgh", "abcdefgh" },
	{ "es-419", "es-419" },
	{ "zh-hans-cn", "zh-Hans-CN" },
	{ "ZH-HANT", "zh-Hant" },
	{ "zh-cmn-hans-cn", "zh-cmn-Hans-CN" },
	{ "zh-min-nan", "zh-min-nan" }, /* a grandfathered tag that also fits
	                                   the regular syntax (langtag) */
	{ "aa-bbb-ccc-ddd", "aa-bbb-ccc-ddd" },
	{ "sr-latn", "sr-Latn" },
	{ "sl-rozaj-biske-1994", "sl-rozaj-biske-1994" },
	{ "de-ch-1901", "de-CH-1901" },
	{ "de-1a2B", "de-1a2b" },
	{ "de-419a5", "de-419a5" }, /* 419a5 is a variant, not a region */
	{ "hy-latn-it-AREVELA", "hy-Latn-IT-arevela" },
	{ "en-US-u-islamcal", "en-US-u-islamcal" },
	{ "de-DE-u-CO-phonebk", "de-DE-u-co-phonebk" },
	{ "zh-CN-a-myext-x-private", "zh-CN-a-myext-x-private" },
	{ "en-a-myext-b-another", "en-a-myext-b-another" },
	{ "en-0-ab", "en-0-ab" },
	/* The examples of case in RFC 5646 section 2.1.1 */
	{ "EN-CA-X-CA", "en-CA-x-ca" },
	{ "AZ-LATN-X-LATN", "az-Latn-x-latn" },
	{ "en-x-a", "en-x-a" },
	{ "en-x-US-US", "en-x-us-us" }, /* private use subtags may repeat */
	{ "de-a-DE-DE", "de-a-de-de" },
};

START_TEST(canonical_of_good_tag)
{
	struct arena *a = arena_new();
	const char *canonical = locale_canonical(a, good[_i].tag);

	ck_assert_ptr_nonnull(canonical);
	ck_assert_str_eq(canonical, good[_i].canonical);
	/* A canonical tag is not changed. */
	ck_assert_str_eq(locale_canonical(a, canonical), canonical);
	arena_free(a);
}
END_TEST

static const char *const bad[] = {
	"",
	"-",
	"a", /* a language has at least two letters */
	"1a",
	"e1",
	"en-",
	"-en",
	"en--US",
	"en_US", /* a POSIX locale name, not a BCP 47 tag */
	"en_US.UTF-8",
	"de-419-DE", /* two regions */
	"sgn-BE-FR",
	"en-US-GB",
	"en-Latn-Cyrl", /* two scripts */
	"ab-abc-abc-abc-abc", /* four extended language subtags */
	"abcd-abc", /* an extended language subtag after a language of four
	               letters */
	"de-DE-1901-1901", /* the same variant twice */
	"de-1901-abcde-1901",
	"en-a-bbb-a-ccc", /* the same singleton twice */
	"en-a", /* an extension singleton without a subtag after it */
	"en-a-b-cc",
	"en-u",
	"en-x", /* the private use prefix x without a subtag after it */
	"x-private", /* a tag that consists of private use subtags only */
	"x",
	"i-klingon", /* an irregular grandfathered tag */
	"en-GB-oed",
	"abcdefghi", /* a subtag of nine letters */
	"en-abcdefghi",
	"en-x-abcdefghi",
	"en US",
	" en",
	"en\n",
	"d\xc3\xa9",
	"en-\xd9\xa1\xd9\xa2\xd9\xa3", /* digits outside ASCII */
	"en-u-co-x",
	"a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u-v-w-x-y-z",
	"en-x-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a",
};

START_TEST(canonical_of_bad_tag_is_null)
{
	struct arena *a = arena_new();

	ck_assert_ptr_null(locale_canonical(a, bad[_i]));
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_locale");
	TCase *tc = tcase_create("canonical");

	tcase_add_loop_test(tc, canonical_of_good_tag, 0,
	    (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(tc, canonical_of_bad_tag_is_null, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
