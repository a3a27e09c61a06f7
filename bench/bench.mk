# make bench: builds the programs with which the product is compared, and compares them.
bench_bin := $(addprefix $(BUILD)/bench/,floor limit scrypt jobs_service)

bench: all $(bench_bin)
	bench/run $(BENCH_FLAGS)
	bench/jobs $(BENCH_FLAGS)
	bench/ledger $(BENCH_FLAGS)
	bench/links $(BENCH_FLAGS)

$(BUILD)/bench/floor: LDLIBS = -lfcgi -lhiredis
$(BUILD)/bench/scrypt: LDLIBS = -lscrypt
$(BUILD)/bench/limit: LDLIBS =
$(BUILD)/bench/floor $(BUILD)/bench/limit $(BUILD)/bench/scrypt: %: %.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/bench/jobs_service: %: %.o $(lib)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: bench
