// Where child_image_linux.go puts things, in terms of the assembler.

#define TABLE 0x500000
#define STATUS 0x600000

// The size of a table entry: nine words.
#define ENTRY32 36
#define ENTRY64 72

// How often to look whether the parent has fetched the listener.
#define SPINS 0x40000000

// The end of the code.
#define MARK1 0x21646e65
#define MARK2 0x2e646e65
