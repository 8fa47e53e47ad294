; hello: the smallest guest. One line to port 0xE9, then success to isa-debug-exit. Its run time is the emulator's start-up time.
; Deliberately without the includes: this is all that a guest needs.

bits 32
org 0x100000

header:
    dd 0x1BADB002               ; multiboot magic
    dd 1 << 16                  ; the address fields are valid
    dd -(0x1BADB002 + (1 << 16))
    dd header, header, 0, 0     ; header, load start, load end (end of file), end of bss (none)
    dd start

text:
    db "hello", 10
.length equ $ - text

start:
    cld
    mov esi, text
    mov ecx, text.length
    mov edx, 0xE9
    rep outsb
    mov dl, 0xF4                ; EDX = 0xF4
    mov eax, 0x10               ; all 32 bits: the device is four ports wide
    out dx, eax                 ; exit status (10h << 1) | 1 = 33
    hlt
