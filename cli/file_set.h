/*
 * file_set: files that are made in memory before any of them is written, so
 * that an error in the last one leaves all old files as they are.
 */
#ifndef CLI_FILE_SET_H
#define CLI_FILE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct arena;

struct file_item {
	const char *path; /* relative to where the set is written */
	mode_t mode;
	const char *text;
};

struct file_set {
	struct arena *arena; /* of the items */
	struct file_item *items;
	size_t n;
	size_t room;
};

void file_set_init(struct file_set *set, struct arena *a);
/* Adds a file. `path` and `text` must live as long as the set. */
void file_set_add(
    struct file_set *set, const char *path, mode_t mode, const char *text);
/* Sorts the files by path. */
void file_set_sort(struct file_set *set);
/* Whether a file with this path is in the set, which must be sorted. */
bool file_set_has(const struct file_set *set, const char *path);

#endif
