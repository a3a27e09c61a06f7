# make                          build/plain/kedge, and each service beside it
# make check                    unit and integration tests
# make SAN=address,undefined check   the same in build/address,undefined
# make lint | bench | fuzz      see CONTRIBUTING.md
# A service is a folder with a main.c; all sources below it are its own.
SERVICES := $(patsubst services/%/main.c,%,$(wildcard services/*/main.c))
PKGS := libpq hiredis jansson libcurl libssl libcrypto libutf8proc libsystemd libsodium
BUILD := build/$(or $(SAN),plain)
CC ?= cc
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wvla \
    -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
    -Wno-missing-field-initializers -Wno-overlength-strings
# A package is built by compilers that know other warnings: WERROR= .
WERROR ?= -Werror
# A distribution's own level of _FORTIFY_SOURCE is higher in some releases.
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE \
    $(if $(SAN)$(findstring _FORTIFY_SOURCE,$(CPPFLAGS)),,-D_FORTIFY_SOURCE=2)
CPPFLAGS += -Ifcgi -Iservices -D_GNU_SOURCE $(shell pkg-config --cflags $(PKGS))
override CFLAGS += -std=c17 -pthread $(WARN) $(HARDEN) \
    $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer,$(WERROR))
override LDFLAGS += -pthread -pie -Wl,-z,relro,-z,now,--as-needed
LIBSCRYPT ?= -lscrypt
LDLIBS += $(shell pkg-config --libs $(PKGS)) $(LIBSCRYPT)

lib := $(BUILD)/libkedge.a
lib_src := $(wildcard fcgi/*/*.c)
all_svc_src := $(shell find services -name '*.c')
svc_src = $(filter services/$*/%,$(all_svc_src))
# The objects of a service that a unit test links: all but main.o.
svc_parts = $(filter-out services/$*/main.c,$(svc_src))
cli_src := $(wildcard cli/*.c)
tests := $(patsubst %.c,$(BUILD)/%,$(wildcard t/unit/test_*.c))
# Shared by unit tests: servers to run against.
test_help := $(filter-out t/unit/test_%,$(wildcard t/unit/*.c))

all: $(SERVICES:%=$(BUILD)/%) $(BUILD)/kedge

.SECONDEXPANSION:
$(SERVICES:%=$(BUILD)/%): $(BUILD)/%: $$(addprefix $$(BUILD)/,$$(svc_src:.c=.o)) $(lib)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/kedge: $(cli_src:%.c=$(BUILD)/%.o) $(lib)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Two services may have functions of one name, so a test links the one after which it
# is named: test_core_task links core.
svc_libs := $(SERVICES:%=$(BUILD)/services/%.a)
test_svc = $(filter %/$(word 2,$(subst _, ,$(notdir $*))).a,$(svc_libs))
$(svc_libs): $(BUILD)/services/%.a: $$(addprefix $$(BUILD)/,$$(svc_parts:.c=.o))
	@rm -f $@
	@$(AR) rcs $@ $^
$(tests): LDLIBS += $(shell pkg-config --libs check)
$(tests): %: %.o $(test_help:%.c=$(BUILD)/%.o) $$(test_svc) $(lib)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(lib): $(lib_src:%.c=$(BUILD)/%.o)
	@rm -f $@
	@$(AR) rcs $@ $^
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

unit: $(tests)
	prove --exec t/lib/run $(tests)

check: all services $(tests)
	BUILD=$(BUILD) prove --exec t/lib/run $(tests)
	BUILD=$(BUILD) prove -j 4 -It/lib t/*.t t/auth/*.t

# Writes the services' variables into docs/CONFIGURATION.md.
manual: all
	docs/configuration $(BUILD) >$(BUILD)/CONFIGURATION.md
	mv $(BUILD)/CONFIGURATION.md docs/CONFIGURATION.md

clean:
	rm -rf build compile_commands.json

include install.mk
# An archive of the sources may lack these folders.
-include bench/bench.mk lint.mk t/service/service.mk
# Build rules that only one service needs.
-include $(wildcard services/*/service.mk)
-include fuzz/fuzz.mk
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all unit check manual clean
.SECONDARY:
