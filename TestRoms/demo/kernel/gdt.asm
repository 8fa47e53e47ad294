; Segments. SDM volume 3, chapters 3 and 8.
;
; In protected mode a segment register holds a selector: the offset of an 8-byte descriptor in the global descriptor table, and in bits 0-1 a privilege
; level. We want no segments, only paging; the processor wants some, so all of ours start at 0 and have 4 GiB. What remains of them is the privilege:
; ring 0 for the kernel, ring 3 for programs. The task state segment is there for one thing: SS0:ESP0, the stack on which an interrupt from ring 3 lands.

KERNEL_CODE     equ 0x08
KERNEL_DATA     equ 0x10
USER_CODE       equ 0x18 | 3
USER_DATA       equ 0x20 | 3
TASK_STATE      equ 0x28
CODE_16         equ 0x30                ; for the way to real mode and back (bios.asm)
DATA_16         equ 0x38

struc Tss
    .link           resd 1
    .esp0           resd 1
    .ss0            resd 1
                    resd 22
                    resw 1
    .io_map         resw 1
endstruc

gdt_init:
    mov eax, tss                        ; the base of a descriptor lies in three places: bytes 2-3, 4 and 7
    mov [gdt + TASK_STATE + 2], ax
    shr eax, 16
    mov [gdt + TASK_STATE + 4], al
    mov [gdt + TASK_STATE + 7], ah
    mov dword [tss + Tss.ss0], KERNEL_DATA
    mov dword [tss + Tss.esp0], boot_stack_top
    mov word [tss + Tss.io_map], Tss_size ; beyond its end: ring 3 may use no port
    lgdt [gdt_register]
    jmp KERNEL_CODE:.reload
.reload:
    mov eax, KERNEL_DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov eax, TASK_STATE
    ltr ax
    ret

    section .data
    align 8, db 0
gdt:
    dq 0                                ; selector 0 points to nothing, on purpose
    dq 0x00CF9A000000FFFF               ; 08: limit FFFFF in pages, present, ring 0, code, readable, 32 bits
    dq 0x00CF92000000FFFF               ; 10: data, writable
    dq 0x00CFFA000000FFFF               ; 18: the same two for ring 3
    dq 0x00CFF2000000FFFF               ; 20
    dq 0x0000890000000000 | (Tss_size - 1) ; 28: 32-bit TSS, available
    dq 0x00009A000000FFFF               ; 30: 16-bit code, base 0, 64 KiB
    dq 0x000092000000FFFF               ; 38: 16-bit data
gdt_end:
gdt_register:
    dw gdt_end - gdt - 1
    dd gdt
    section .bss
    alignb 4
tss: resb Tss_size
    alignb 4
    section .text
