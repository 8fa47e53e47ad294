; "test": the machine tests itself. One line a subject: ok, FAIL with the address of the code whose expectation did not hold (nasm -l makes a listing
; with addresses), or "--" when the machine has no such thing. tests_cpu.asm, tests_float.asm, tests_devices.asm and tests_drives.asm hold the subjects; TestRoms/src goes much deeper into
; the processor.
;
; A test is a routine. It returns when all is well; EXPECT and ABSENT leave it from anywhere by putting the stack back.

; EXPECT condition: after a comparison.
%macro EXPECT 1
    j%+1 %%good
    call test_failed                    ; does not return
%%good:
%endmacro

; NEEDS feature: of CPUID.
%macro NEEDS 1
    test dword [cpu_features], %1
    jz test_absent
%endmacro

; FAULT vector, instruction: the instruction must raise this exception.
%macro FAULT 2+
    mov dword [trap_vector], -1
    mov dword [trap_resume], %%after
    %2
%%after:
    mov dword [trap_resume], 0
    cmp dword [trap_vector], %1
    EXPECT e
%endmacro

; tests_command: ESI = arguments: runs all tests, or those whose name begins with the argument.
tests_command:
    pushad
    mov [test_filter], esi
    xor eax, eax
    mov [tests_passed], eax
    mov [tests_failed], eax
    mov [tests_absent], eax
    mov ebx, tests
.next:
    mov esi, [ebx]
    test esi, esi
    jz .end
    mov edi, [test_filter]
.compare:
    mov al, [edi]
    cmp al, ' '
    jbe .chosen
    mov ah, [esi]
    or eax, 0x2020                      ; capitals and small letters alike
    inc esi
    inc edi
    cmp al, ah
    je .compare
    jmp .skip
.chosen:
    mov [test_esp], esp
    mov [test_current], ebx
    call [ebx + 4]
    inc dword [tests_passed]
    PRINT 3, "  ok    ", 1
    mov ebx, [test_current]
    mov esi, [ebx]
    call print
    jmp .line
test_failed:
    pop dword [test_place]
    call test_restore
    inc dword [tests_failed]
    PRINT 4, "  FAIL  ", 1
    mov ebx, [test_current]
    mov esi, [ebx]
    call print
    PRINT " (before "
    mov eax, [test_place]
    call print_hex8
    PRINT ")"
    jmp tests_command.line
test_absent:
    call test_restore
    inc dword [tests_absent]
    PRINT "  --    "
    mov ebx, [test_current]
    mov esi, [ebx]
    call print
tests_command.line:
    call new_line
tests_command.skip:
    add ebx, 8
    jmp tests_command.next
tests_command.end:
    mov eax, [tests_passed]
    call print_decimal
    PRINT " passed, "
    mov eax, [tests_failed]
    call print_decimal
    PRINT " failed, "
    mov eax, [tests_absent]
    call print_decimal
    PRINT " not there", 10
    popad
    ret

; test_restore: the stack and the modes that a test may have left behind.
test_restore:
    pop eax
    mov esp, [test_esp]
    push eax
    cld
    sti
    mov dword [trap_resume], 0
    mov byte [trap_quiet], 0
    mov byte [disk_pio], 0
    fninit
    ret

    section .data
%macro TEST 2
    section .data
    dd %%name, %2
    section .text
%%name: db %1, 0
    section .data
%endmacro
    align 4, db 0
tests:
    TEST "arithmetic and flags", test_arithmetic
    TEST "multiplication and division", test_division
    TEST "bits and shifts", test_bits
    TEST "strings", test_strings
    TEST "x87: arithmetic and rounding", test_x87
    TEST "x87: exceptions", test_x87_exceptions
    TEST "MMX", test_mmx
    TEST "SSE", test_sse
    TEST "SSE2", test_sse2
    TEST "CMOV, CMPXCHG8B, time stamp", test_newer
    TEST "segments", test_segments
    TEST "paging", test_paging
    TEST "privileges", test_privileges
    TEST "single step and breakpoints", test_debug
    TEST "self-modifying code", test_self_modifying
    TEST "tasks", test_tasks
    TEST "memory", test_memory
    TEST "interrupt controllers", test_pic
    TEST "timer", test_pit
    TEST "real-time clock", test_rtc
    TEST "keyboard controller", test_keyboard
    TEST "DMA controller", test_dma
    TEST "serial port", test_serial
    TEST "PCI", test_pci
    TEST "IDE: DMA and PIO", test_ide
    TEST "files", test_files
    TEST "CD", test_cd
    TEST "floppy", test_floppy
    TEST "VGA", test_vga
    TEST "ACPI", test_acpi
    TEST "HPET", test_hpet
    TEST "local APIC", test_apic
    TEST "I/O APIC", test_io_apic
    dd 0

    section .bss
    alignb 4
test_filter: resd 1
test_current: resd 1
test_esp: resd 1
test_place: resd 1
tests_passed: resd 1
tests_failed: resd 1
tests_absent: resd 1
trap_quiet: resb 1                      ; a program that fails is a test's: say nothing
    alignb 4
    section .text
