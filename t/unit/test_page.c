#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "web/answer.h"
#include "web/cursor.h"
#include "web/page.h"
#include "web/request.h"
#include "web/service.h"

enum { ITEMS_MAX = 64 };

struct item {
	const char *id;
	const char *text;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};

/* clang-format off */
static const struct field item_fields[] = {
	{ FIELD(struct item, id, "id") },
	{ FIELD(struct item, text, "text") },
	{ 0 },
};
static const struct schema item_schema = SCHEMA(struct item, item_fields);
static const struct field list_fields[] = {
	{ FIELD(struct list_out, items, "items"), .of = &item_schema },
	{ FIELD(struct list_out, next_cursor, "nextCursor"),
	  .nullable = true },
	{ 0 },
};
static const struct schema list_schema = SCHEMA(struct list_out, list_fields);
/* clang-format on */

static struct arena *a;
static const unsigned char key[IDENTITY_KEY_SIZE] = "key";
static const struct service service = { .identity_keys = { .current = key } };
static struct req r;
static struct item items[ITEMS_MAX];
static struct list_out out;

static void
set_up(void)
{
	a = arena_new();
	r = (struct req){ .arena = a, .service = &service };
	out = (struct list_out){ 0 };
}

static void
tear_down(void)
{
	arena_free(a);
}

static const char *
position(struct arena *arena UNUSED, const void *item)
{
	return ((const struct item *)item)->id;
}

/*
 * Fills `count` items with `len` control characters each; a control character
 * becomes six bytes of JSON.
 */
static void
fill(int count, size_t len)
{
	char *text = arena_alloc(a, len + 1);

	memset(text, 1, len);
	for (int i = 0; i < count; i++)
		items[i] = (struct item){ arena_printf(a, "%d", i), text };
}

static void
write_page(int64_t count, int64_t limit, const char *resume)
{
	page_write(&r,
	    &(struct page){
		.of = &item_schema,
		.items = items,
		.count = count,
		.limit = limit,
		.scope = "list",
		.position = position,
		.resume = resume,
	    },
	    &out.items, &out.next_cursor);
}

static const char *
written(void)
{
	struct buf b;

	buf_init(&b, a, 8 << 20);
	schema_write(&list_schema, &b, &out);
	ck_assert(!buf_failed(&b));
	return b.data;
}

static const char *
next_position(void)
{
	return out.next_cursor == NULL
	           ? NULL
	           : cursor_read(a, key, "list", out.next_cursor);
}

START_TEST(write_nothing_is_an_empty_list)
{
	write_page(0, 10, /* resume= */ NULL);
	ck_assert_str_eq(written(), "{\"items\":[],\"nextCursor\":null}");
}
END_TEST

START_TEST(items_that_fit_are_the_last_page)
{
	fill(2, 1);
	write_page(2, 2, /* resume= */ NULL);
	ck_assert_str_eq(written(),
	    "{\"items\":[{\"id\":\"0\",\"text\":\"\\u0001\"},"
	    "{\"id\":\"1\",\"text\":\"\\u0001\"}],\"nextCursor\":null}");
}
END_TEST

START_TEST(page_ends_at_the_limit)
{
	fill(3, 1);
	write_page(3, 2, /* resume= */ NULL);
	ck_assert_uint_eq(out.items.count, 2);
	ck_assert_str_eq(next_position(), "1");
}
END_TEST

START_TEST(page_ends_at_the_limit_of_bytes)
{
	fill(60, 10000); /* 60 kB each */
	write_page(60, 60, /* resume= */ NULL);
	ck_assert_uint_eq(out.items.count, 4);
	ck_assert_uint_le(out.items.text_len, PAGE_MAX_BYTES);
	ck_assert_str_eq(next_position(), "3");
}
END_TEST

START_TEST(write_an_item_over_the_bytes_is_a_page_of_its_own)
{
	fill(2, PAGE_MAX_BYTES);
	write_page(2, 2, /* resume= */ NULL);
	ck_assert_uint_eq(out.items.count, 1);
	ck_assert_str_eq(next_position(), "0");
	ck_assert_uint_gt(strlen(written()), PAGE_MAX_BYTES);
}
END_TEST

/* The items are so large that a response has room for one item only. */
START_TEST(write_an_item_over_all_bytes_does_not_take_others_with_it)
{
	fill(2, ANSWER_MAX_BYTES);
	items[0].text = "small";
	write_page(2, 2, /* resume= */ NULL);
	ck_assert_uint_eq(out.items.count, 1);
	ck_assert_str_eq(next_position(), "0");
	ck_assert_ptr_nonnull(strstr(written(), "small"));
}
END_TEST

START_TEST(write_resumes_where_a_search_stopped)
{
	fill(60, 10000);
	write_page(1, 1, "17");
	ck_assert_str_eq(next_position(), "17");
	/*
	 * The next page begins with the items for which this page had no room.
	 */
	write_page(60, 60, "99");
	ck_assert_str_eq(next_position(), "3");
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("page");
	TCase *tc = tcase_create("page");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, write_nothing_is_an_empty_list);
	tcase_add_test(tc, items_that_fit_are_the_last_page);
	tcase_add_test(tc, page_ends_at_the_limit);
	tcase_add_test(tc, page_ends_at_the_limit_of_bytes);
	tcase_add_test(tc, write_an_item_over_the_bytes_is_a_page_of_its_own);
	tcase_add_test(
	    tc, write_an_item_over_all_bytes_does_not_take_others_with_it);
	tcase_add_test(tc, write_resumes_where_a_search_stopped);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}
