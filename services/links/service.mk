# The libraries that only links uses: QR codes, and PNG.
links_ld := $(shell pkg-config --libs libqrencode libpng)
$(BUILD)/links $(filter $(BUILD)/t/unit/test_links_%,$(tests)): LDLIBS += $(links_ld)
