; bios-loader: puts a multiboot image of ours into a 64 KiB BIOS image, for machines that cannot load a kernel (Bochs), and for running
; the ROMs with no firmware at all. Assemble with -DIMAGE="file". From the reset vector it opens the A20 gate, enters protected mode,
; copies the image to 1 MiB, and jumps to the entry point that the image's multiboot header names.

bits 16
org 0xF0000

IMAGE_BASE equ 0x100000

rom:
reset:
    cli
    in al, 0x92                     ; A20 by the fast gate; bit 0 would be a reset
    or al, 2
    and al, ~1
    out 0x92, al
    o32 lgdt [cs:gdtr - rom]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 8:protected

align 4
gdtr:
    dw 23
    dd gdt
align 8
gdt:
    dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF

bits 32
protected:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    cld
    mov esi, image
    mov edi, IMAGE_BASE
    mov ecx, (image.end - image + 3) / 4
    rep movsd
    mov esi, IMAGE_BASE             ; the header is within the first 8 KiB, four-byte aligned
.find:
    cmp dword [esi], 0x1BADB002
    je .found
    add esi, 4
    jmp .find
.found:
    mov eax, 0x2BADB002
    xor ebx, ebx                    ; no multiboot information; our images do not read it
    jmp dword [esi + 28]

align 16
image:
    incbin IMAGE
.end:
    times 0xFFF0 - ($ - rom) db 0xFF
bits 16
    jmp 0xF000:reset - rom
    times 0x10000 - ($ - rom) db 0
