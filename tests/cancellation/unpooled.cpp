// Takes the pool of frames and tasks out of this program, as the leak checker does whose symbol this is: each is an
// allocation that can be refused.
extern "C" void __lsan_init() {}  // NOLINT(bugprone-reserved-identifier)
