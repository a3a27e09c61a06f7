# make bench: the floor, the hash timer, and the comparison (see bench/run).
bench: all $(BUILD)/bench/floor $(BUILD)/bench/scrypt
	bench/run $(BENCH_FLAGS)

$(BUILD)/bench/floor: bench/floor.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -D_GNU_SOURCE -o $@ $< -lfcgi -lhiredis
$(BUILD)/bench/scrypt: bench/scrypt.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -D_GNU_SOURCE -o $@ $< -lscrypt

.PHONY: bench
