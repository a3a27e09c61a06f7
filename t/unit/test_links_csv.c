#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "links/batch/csv.h"
#include "links/qr/qr.h"

/* The cells of all rows: "|" after each cell, "/" after each row. */
static const struct {
	const char *text;
	enum csv_result end; /* the result after the last row */
	const char *rows;
} files[] = {
	{ "", CSV_END, "" },
	{ "\n\r\n\n", CSV_END, "" },
	{ "\xef\xbb\xbf"
	  "a",
	    CSV_END, "a|/" },
	{ "a,b", CSV_END, "a|b|/" },
	{ "a,b\n", CSV_END, "a|b|/" },
	{ "a,b\r\nc\n\nd,\n", CSV_END, "a|b|/c|/d||/" },
	{ ",", CSV_END, "||/" },
	{ " a , b ", CSV_END, " a | b |/" },
	{ "a\rb,c", CSV_END, "a\rb|c|/" },
	{ "\"a\"", CSV_END, "a|/" },
	{ "\"\"", CSV_END, "|/" },
	{ "\"\",\"\"\n", CSV_END, "||/" },
	{ "\"a\"\"b\",c", CSV_END, "a\"b|c|/" },
	{ "\"\"\"\"", CSV_END, "\"|/" },
	{ "\"a,b\nc\",d\ne", CSV_END, "a,b\nc|d|/e|/" },
	{ "\"", CSV_QUOTE, "" },
	{ "\"a", CSV_QUOTE, "" },
	{ "\"a\"\"", CSV_QUOTE, "" },
	{ "a\"b", CSV_QUOTE, "" },
	{ "\"a\"b", CSV_QUOTE, "" },
	{ "\"a\" ,b", CSV_QUOTE, "" },
	{ "a\nb,\"c", CSV_QUOTE, "a|/" },
	{ ",,,,,,,,,,,,,,,", CSV_END, "||||||||||||||||/" },
	{ ",,,,,,,,,,,,,,,,", CSV_TOO_MANY, "" },
};

START_TEST(file_is_read_row_by_row)
{
	struct arena *a = arena_new();
	enum csv_result result;
	struct csv_reader r;
	struct csv_row row;
	struct buf b;

	buf_init(&b, a, 4096);
	csv_begin(&r, files[_i].text);
	while ((result = csv_next(&r, a, &row)) == CSV_ROW) {
		for (size_t i = 0; i < row.count; i++)
			buf_printf(&b, "%s|", row.cells[i]);
		buf_putc(&b, '/');
	}
	ck_assert_int_eq(result, files[_i].end);
	ck_assert_str_eq(b.data, files[_i].rows);
	arena_free(a);
}
END_TEST

START_TEST(rows_have_the_line_on_which_they_begin)
{
	static const int64_t lines[] = { 1, 3, 6, 7 };
	struct arena *a = arena_new();
	struct csv_reader r;
	struct csv_row row;

	csv_begin(&r, "a\n\nb,\"c\nd\n\"\ne\r\nf");
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(csv_next(&r, a, &row), CSV_ROW);
		ck_assert_int_eq(row.line, lines[i]);
	}
	ck_assert_int_eq(csv_next(&r, a, &row), CSV_END);
	arena_free(a);
}
END_TEST

static const struct {
	const char *text, *written;
} texts[] = {
	{ "", "\"\"" },
	{ "a,b", "\"a,b\"" },
	{ "a\"b", "\"a\"\"b\"" },
	{ "=1+1", "\"'=1+1\"" },
	{ "+1", "\"'+1\"" },
	{ "-1", "\"'-1\"" },
	{ "@x", "\"'@x\"" },
	{ "\tx", "\"'\tx\"" },
	{ "1=1", "\"1=1\"" },
	{ "'x", "\"'x\"" },
};

START_TEST(text_is_read_as_written)
{
	struct arena *a = arena_new();
	struct csv_reader r;
	struct csv_row row;
	struct buf b;

	buf_init(&b, a, 4096);
	csv_write_text(&b, texts[_i].text);
	ck_assert_str_eq(b.data, texts[_i].written);
	csv_begin(&r, b.data);
	ck_assert_int_eq(csv_next(&r, a, &row), CSV_ROW);
	ck_assert_uint_eq(row.count, 1);
	ck_assert_str_eq(csv_plain(row.cells[0]), texts[_i].text);
	arena_free(a);
}
END_TEST

/* The largest options and the longest text make an image all the same. */
START_TEST(largest_image_is_made)
{
	const struct qr_options options = {
		.level = "H", .scale = QR_SCALE_MAX, .margin = QR_MARGIN_MAX
	};
	struct arena *a = arena_new();
	char text[QR_TEXT_MAX + 1];
	const char *bytes;
	size_t len;

	memset(text, 'x', sizeof(text) - 1);
	text[QR_TEXT_MAX] = '\0';
	ck_assert_int_eq(qr_svg(a, text, &options, &bytes, &len), ERR_OK);
	ck_assert_uint_lt(len, 256 * 1024);
	ck_assert_int_eq(qr_png(a, text, &options, &bytes, &len), ERR_OK);
	ck_assert_uint_lt(len, 256 * 1024);
	ck_assert_mem_eq(bytes, "\x89PNG", 4);
	arena_free(a);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int
main(void)
{
	Suite *suite = suite_create("links_csv");
	TCase *tc = tcase_create("csv");

	tcase_add_loop_test(tc, file_is_read_row_by_row, 0, COUNT(files));
	tcase_add_test(tc, rows_have_the_line_on_which_they_begin);
	tcase_add_loop_test(tc, text_is_read_as_written, 0, COUNT(texts));
	tcase_add_test(tc, largest_image_is_made);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
