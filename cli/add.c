#include "add.h"

#include <getopt.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

#include "add_entity.h"
#include "add_field.h"
#include "add_service.h"
#include "message.h"
#include "options.h"
#include "scaffold.h"
#include "scaffold_name.h"
#include "stack.h"

/*
 * Reads the options of "add service"; argv[0] is the word "service". False: an
 * error was printed.
 */
static bool
read_service(int argc, char **argv, struct add_service *ret)
{
	static const struct option flags[] = {
		{ "guard", required_argument, NULL, 'g' },
		{ "roles", required_argument, NULL, 'r' },
		{ "prefix", required_argument, NULL, 'p' },
		{ "worker", no_argument, NULL, 'w' },
		{ "external", required_argument, NULL, 'e' },
		{ "language", required_argument, NULL, 'l' },
		{ 0 },
	};
	int flag;

	*ret = (struct add_service){ .guard = "standard" };
	opterr = 0; /* getopt() prints no errors; print_error() does */
	optind = 1;
	while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
		switch (flag) {
		case 'g':
			ret->guard = optarg;
			break;
		case 'r':
			ret->roles = optarg;
			break;
		case 'p':
			ret->prefix = optarg;
			break;
		case 'w':
			ret->worker = true;
			break;
		case 'e':
			ret->url = optarg;
			break;
		case 'l':
			ret->language = optarg;
			break;
		default:
			print_error(
			    "add service: unknown option %s, or its "
			    "value is missing; see \"kedge add --help\"",
			    argv[optind - 1]);
			return false;
		}
	}
	if (argc - optind != 1) {
		print_error("add service: %s; see \"kedge add --help\"",
		    argc - optind == 0 ? "the name is missing"
				       : "more than one name");
		return false;
	}
	ret->name = argv[optind];
	return true;
}

static void
print_files(const struct scaffold *s)
{
	static const char *const words[] = {
		[SCAFFOLD_NEW] = "made",
		[SCAFFOLD_EDIT] = "changed",
		[SCAFFOLD_DELETE] = "removed",
	};
	int i;

	for (i = 0; i < s->nfiles; i++)
		print_message(
		    "%-8s %s", words[s->files[i].kind], s->files[i].path);
}

static void
print_next(const struct add_service *order)
{
	if (order->language == NULL && order->url != NULL)
		print_message("\nThe application gets the user in headers; "
			      "kedge.json(5) tells which");
	else if (order->language == NULL || str_eq(order->language, "c"))
		print_message("\nNext: make && make manual\n"
			      "Then: kedge add entity %s NAME FIELD:TYPE...",
		    order->name);
	else
		print_message("\nNext: services/%s/README.md says what to "
			      "install and how to start it",
		    order->name);
}

static int
add_service_command(struct arena *a, int argc, char **argv)
{
	struct scaffold *s = arena_alloc(a, sizeof(*s));
	struct add_service order;
	struct stack stack;

	if (!read_service(argc, argv, &order))
		return OPTIONS_USAGE;
	if (!stack_open(&stack, a, /* dir_option= */ NULL) ||
	    !scaffold_open(s, a, stack.root) ||
	    !add_service(s, &stack, &order) || !scaffold_commit(s))
		return 1;
	print_files(s);
	print_next(&order);
	return 0;
}

/*
 * Reads the arguments of "add entity"; argv[0] is the word "entity". False: an
 * error was printed.
 */
static bool
read_entity(struct arena *a, int argc, char **argv, struct add_entity *ret)
{
	int i;

	for (i = 1; i < argc; i++)
		if (argv[i][0] == '-') {
			print_error("add entity has no option %s; see \"kedge "
				    "add --help\"",
			    argv[i]);
			return false;
		}
	if (argc < 3) {
		print_error(
		    "add entity needs a service and a name; see \"kedge "
		    "add --help\"");
		return false;
	}
	if (argc - 3 > ADD_FIELDS_MAX) {
		print_error("add entity: more than %d fields", ADD_FIELDS_MAX);
		return false;
	}
	ret->service = argv[1];
	ret->name = argv[2];
	for (i = 3; i < argc; i++)
		if (!add_field_read(a, argv[i], &ret->fields[ret->nfields++]))
			return false;
	return true;
}

static int
add_entity_command(struct arena *a, int argc, char **argv)
{
	struct scaffold *s = arena_alloc(a, sizeof(*s));
	struct add_entity *order = arena_alloc(a, sizeof(*order));
	struct stack stack;

	*order = (struct add_entity){ 0 };
	if (!read_entity(a, argc, argv, order))
		return OPTIONS_USAGE;
	if (!stack_open(&stack, a, /* dir_option= */ NULL) ||
	    !scaffold_open(s, a, stack.root) || !add_entity(s, &stack, order) ||
	    !scaffold_commit(s))
		return 1;
	print_files(s);
	print_message("\nNext: make && make manual\n"
		      "Then: ./kedge test t/unit/test_%s_%s.c t/35-%s-%s.t",
	    order->service, order->name, order->service,
	    name_spell(a, order->name).kebabs);
	return 0;
}

int
add_command(int argc, char **argv)
{
	struct arena *a;
	int status = OPTIONS_USAGE;

	a = arena_new();
	if (argc > 1 && str_eq(argv[1], "service"))
		status = add_service_command(a, argc - 1, argv + 1);
	else if (argc > 1 && str_eq(argv[1], "entity"))
		status = add_entity_command(a, argc - 1, argv + 1);
	else
		print_error("add: name what to add, a service or an entity; "
			    "see \"kedge add "
			    "--help\"");
	arena_free(a);
	return status;
}
