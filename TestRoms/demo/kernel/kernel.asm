; The kernel: one flat program, loaded at 1 MiB and entered there by the loader in protected mode, with flat segments, without paging, interrupts off.
;
; Where to read: this file says in which order things come up. Each file that it includes has one subject and opens with what the subject is about.
; Routines take their arguments in registers and, unless they say otherwise, change only what they return.

%include "layout.inc"

    bits 32
    section .text start=KERNEL_ADDRESS
    section .data follows=.text align=4096
    section .bss nobits follows=.data align=4096
bss_start:
    section .text

%include "macros.inc"

kernel_start:
    mov esp, boot_stack_top
    mov edi, bss_start                  ; what the program says is zero is not in its file
    mov ecx, kernel_end
    sub ecx, edi
    shr ecx, 2
    xor eax, eax
    cld
    rep stosd
    mov esi, BOOT_INFO                  ; page 0, where it lies, will not be mapped
    mov edi, boot_info
    mov ecx, BootInfo_size / 4
    rep movsd
    mov ax, [0x40E]                     ; in the BIOS data area: where the BIOS keeps the rest of its data
    mov [extended_area], ax

    call serial_init                    ; first of all something to print on
    call console_init
    PRINT 6, "Demo disk", 1, ": a small 32-bit system. 'help' shows what it can do, 'off' ends it.", 10
    call gdt_init
    call idt_init
    call cpu_init
    call fpu_init
    call frames_init
    call paging_init
    call bios_init
    call tasks_init
    call timer_init
    call keyboard_init
    call serial_start
    sti
    call acpi_init
    call ide_init
    call fat_mount

    mov eax, shell
    mov esi, shell_name
    call task_create_kernel
    jmp idle                            ; what has started everything becomes the task that runs when nothing else wants to

shell_name: db "shell", 0

; ---- The parts -------------------------------------------------------------------------------------------------------------------------------------
%include "console.asm"
%include "serial.asm"
%include "gdt.asm"
%include "idt.asm"
%include "cpu.asm"
%include "fpu.asm"
%include "paging.asm"
%include "tasks.asm"
%include "syscalls.asm"
%include "timer.asm"
%include "keyboard.asm"
%include "bios.asm"
%include "pci.asm"
%include "acpi.asm"
%include "ide.asm"
%include "fat.asm"
%include "cd.asm"
%include "floppy.asm"
%include "vga13.asm"
%include "vbe.asm"
%include "tests.asm"
%include "tests_cpu.asm"
%include "tests_float.asm"
%include "tests_devices.asm"
%include "tests_drives.asm"
%include "shell.asm"

text_end:
    section .data
    align 4, db 0

    section .bss
boot_info: resb BootInfo_size
extended_area: resw 1
    alignb 16
    resb 4096
boot_stack_top:
    alignb 4096
kernel_end:
