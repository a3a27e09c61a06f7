# make fuzz                     runs each fuzz/fuzz_NAME.c for FUZZ_SECONDS
# make fuzz-json                runs only fuzz/fuzz_json.c
#
# fuzz_NAME starts from the inputs in fuzz/corpus/NAME and fuzz/regression/NAME;
# new inputs that it makes are not kept.  An input that crashes it is left in
# build/fuzz, beside NAME.log; add it to fuzz/regression/NAME in the commit that
# fixes the crash.
FUZZ_SECONDS ?= 10
FUZZ_CC ?= clang
FUZZ_BUILD := build/fuzz
FUZZ_SAN := address,undefined
FUZZ_CFLAGS := -O1 -g -std=c17 -pthread -fno-omit-frame-pointer \
    -fno-sanitize-recover=all

fuzz_names := $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
fuzz_runs := $(fuzz_names:%=fuzz-%)
fuzz_src := $(wildcard fcgi/*/*.c) \
    $(filter-out %/main.c,$(wildcard services/*/*.c services/*/*/*.c services/*/*/*/*.c))
fuzz_lib := $(FUZZ_BUILD)/libfuzz.a

fuzz: $(fuzz_runs)

$(fuzz_runs): fuzz-%: $(FUZZ_BUILD)/fuzz_%
	@echo "fuzz: $* for $(FUZZ_SECONDS) s"
	@finds=$$(mktemp -d) && trap 'rm -rf "$$finds"' EXIT && \
	    { $< -timeout=10 -rss_limit_mb=1024 \
	    -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(FUZZ_BUILD)/$*- \
	    "$$finds" $(wildcard fuzz/corpus/$* fuzz/regression/$*) \
	    >$(FUZZ_BUILD)/$*.log 2>&1 || \
	    { tail -60 $(FUZZ_BUILD)/$*.log; exit 1; }; }

# fuzz_record compares our parser with libfcgi.
$(FUZZ_BUILD)/fuzz_record: LDLIBS += -lfcgi
$(fuzz_names:%=$(FUZZ_BUILD)/fuzz_%): %: %.o $(fuzz_lib)
	$(FUZZ_CC) -pthread -fsanitize=fuzzer,$(FUZZ_SAN) -o $@ $^ $(LDLIBS)
$(fuzz_lib): $(fuzz_src:%.c=$(FUZZ_BUILD)/%.o)
	@rm -f $@
	@$(AR) rcs $@ $^
$(FUZZ_BUILD)/fuzz_%.o: fuzz/fuzz_%.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,$(FUZZ_SAN) \
	    -MMD -MP -c -o $@ $<
$(FUZZ_BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,$(FUZZ_SAN) \
	    -MMD -MP -c -o $@ $<

-include $(shell find $(FUZZ_BUILD) -name '*.d' 2>/dev/null)
.PHONY: fuzz $(fuzz_runs)
