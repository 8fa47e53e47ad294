; The shell: reads a line, finds the command, calls it with ESI = what follows the name.

LINE            equ 76

shell:
    PRINT 10, "demo> "
    cmp byte [console_is_graphics], 0
    je .text
    call key_await                      ; a picture stands on the screen until the next line begins
    call text_mode
    mov esi, .prompt
    call print_screen                   ; the serial port has its prompt
.text:
    call read_line
    mov esi, line
    call skip_blanks
    cmp byte [esi], 0
    je shell
    mov ebx, commands
.command:                               ; a record: name, 0, routine, help, 0
    mov edi, ebx
    push esi
.compare:
    mov al, [edi]
    test al, al
    jz .name_ends
    mov ah, [esi]
    cmp ah, 'A'
    jb .same_case
    cmp ah, 'Z'
    ja .same_case
    or ah, 0x20
.same_case:
    cmp al, ah
    jne .different
    inc esi
    inc edi
    jmp .compare
.name_ends:
    cmp byte [esi], ' '
    ja .different
    add esp, 4
    call skip_blanks
    call [edi + 1]
    jmp shell
.different:
    pop esi
    call next_command
    cmp byte [ebx], 0
    jne .command
    PRINT "There is no command of that name; 'help' lists them", 10
    jmp shell

    section .data
shell.prompt: db 10, "demo> ", 0
    section .text

; next_command: EBX = record. Returns EBX = the next one.
next_command:
    push ecx
    mov ecx, 2
.text:
    inc ebx
    cmp byte [ebx - 1], 0
    jne .text
    dec ecx
    jz .done
    add ebx, 4
    jmp .text
.done:
    pop ecx
    ret

; skip_blanks: ESI = text. Returns ESI = where it goes on.
skip_blanks:
    cmp byte [esi], ' '
    jne .done
    inc esi
    jmp skip_blanks
.done:
    ret

; read_line: into "line", with 0 at the end. Ctrl-U forgets what was typed, Ctrl-P brings the last line back.
read_line:
    pushad
    xor edi, edi
.key:
    call key_wait
    cmp al, 10
    je .enter
    cmp al, 8
    je .back
    cmp al, 0x15
    je .forget
    cmp al, 0x10
    je .last
    cmp al, ' '
    jb .key
    cmp al, 126
    ja .key
    cmp edi, LINE
    jae .key
    mov [line + edi], al
    inc edi
    call console_put
    jmp .key
.back:
    test edi, edi
    jz .key
    call .erase
    jmp .key
.forget:
    test edi, edi
    jz .key
    call .erase
    jmp .forget
.last:
    test edi, edi
    jnz .key
.copy:
    mov al, [last_line + edi]
    test al, al
    jz .key
    mov [line + edi], al
    inc edi
    call console_put
    jmp .copy
.erase:
    dec edi
    PRINT 8, " ", 8
    ret
.enter:
    mov byte [line + edi], 0
    call new_line
    test edi, edi
    jz .end
    mov esi, line
    mov edi, last_line
    mov ecx, LINE + 1
    rep movsb
.end:
    popad
    ret

; read_number: ESI = text. Returns EAX = the number there, ESI = behind it. Carry set: there is none.
read_number:
    push ecx
    push edx
    call skip_blanks
    xor eax, eax
    xor ecx, ecx
    mov cl, [esi]
    sub cl, '0'
    cmp cl, 10
    cmc
    jc .done
.digit:
    cmp eax, 100000000
    jae .end
    imul eax, 10
    add eax, ecx
    inc esi
    mov cl, [esi]
    sub cl, '0'
    cmp cl, 10
    jb .digit
.end:
    clc
.done:
    pop edx
    pop ecx
    ret

; ---- Commands that are too small for a file of their own -------------------------------------------------------------------------------------------
command_help:
    mov ebx, commands
.next:
    PRINT "  ", 2
    mov esi, ebx
    call print
    PRINT 1
    mov ecx, 18
    call print_column
.name:
    inc ebx
    cmp byte [ebx - 1], 0
    jne .name
    lea esi, [ebx + 4]
    call print
    call new_line
    mov ebx, esi
.text:
    inc ebx
    cmp byte [ebx - 1], 0
    jne .text
    cmp byte [ebx], 0
    jne .next
    ret

command_memory:
    PRINT "Memory by INT 15h, "
    mov eax, [boot_info + BootInfo.map_source]
    call print_hex4
    PRINT "h:", 10
    mov ebx, boot_info + BootInfo.map
    mov edi, [boot_info + BootInfo.map_count]
    test edi, edi
    jz .end
.range:
    PRINT "  "
    mov eax, [ebx + 4]
    call print_hex2
    mov eax, [ebx]
    call print_hex8
    PRINT "-"
    mov eax, [ebx]
    mov edx, [ebx + 4]
    add eax, [ebx + 8]
    adc edx, [ebx + 12]
    sub eax, 1
    sbb edx, 0
    xchg eax, edx
    call print_hex2
    xchg eax, edx
    call print_hex8
    mov eax, [ebx + 8]
    mov edx, [ebx + 12]
    shrd eax, edx, 10
    mov ecx, 10
    call print_decimal_in
    PRINT " KiB  "
    mov eax, [ebx + 16]
    cmp eax, 5
    jbe .known
    xor eax, eax
.known:
    mov esi, [memory_types + eax * 4]
    call print
    call new_line
    add ebx, 24
    dec edi
    jnz .range
.end:
    PRINT "Free for programs: "
    mov eax, [frames_free]
    shl eax, 2
    call print_decimal
    PRINT " KiB. The kernel has "
    mov eax, kernel_end - KERNEL_ADDRESS
    shr eax, 10
    call print_decimal
    PRINT " KiB.", 10, "A20 gate: "
    mov eax, [boot_info + BootInfo.a20_way]
    mov esi, [a20_ways + eax * 4]
    call print
    jmp new_line

command_date:
    call rtc_print
    PRINT ", up "
    mov eax, [ticks]
    xor edx, edx
    mov ecx, TICKS_PER_SECOND
    div ecx
    call print_decimal
    PRINT "."
    mov eax, edx
    call print_decimal_2
    PRINT " s", 10
    ret

command_kill:
    call read_number
    jc .no
    cmp eax, TASKS
    jae .no
    imul eax, Task_size
    lea edi, [tasks + eax]
    cli                                 ; nobody may come between the look and the deed
    cmp dword [edi + Task.state], TASK_FREE
    je .no
    mov eax, [edi + Task.directory]
    cmp eax, [kernel_directory]
    je .no
    mov dword [edi + Task.state], TASK_ENDED
    cmp [fpu_owner], edi
    jne .ended
    mov dword [fpu_owner], 0
.ended:
    sti
    jmp tasks_clean
.no:
    sti
    PRINT "There is no program of that number; 'tasks' lists them", 10
    ret

    section .data
    align 4, db 0
memory_types: dd .other, .ram, .reserved, .tables, .nvs, .bad
.other: db "other", 0
.ram: db "RAM", 0
.reserved: db "reserved", 0
.tables: db "ACPI tables", 0
.nvs: db "ACPI, to be kept", 0
.bad: db "defective", 0
    align 4, db 0
a20_ways: dd .open, .bios, .port, .keyboard
.open: db "was open", 0
.bios: db "opened by the BIOS", 0
.port: db "opened by port 92h", 0
.keyboard: db "opened by the keyboard controller", 0

%macro COMMAND 3
    db %1, 0
    dd %2
    db %3, 0
%endmacro
commands:
    COMMAND "help", command_help, "this list"
    COMMAND "cpu", cpu_print, "what the processor says about itself"
    COMMAND "mem", command_memory, "the memory map"
    COMMAND "pci", pci_print, "the devices on the PCI bus"
    COMMAND "drives", ide_print, "IDE drives"
    COMMAND "date", command_date, "date and time of the real-time clock, time since the start"
    COMMAND "dir", dir_print, "the files of the FAT volume"
    COMMAND "type", type_file, "FILE: prints a file"
    COMMAND "cd", cd_command_line, "[FILE]: the files of a CD, or one of them"
    COMMAND "floppy", floppy_command_line, "the files of a floppy disk"
    COMMAND "run", run_file, "FILE [&]: runs a program in ring 3 (&: in the background)"
    COMMAND "tasks", tasks_print, "what is running"
    COMMAND "kill", command_kill, "NUMBER: ends a program"
    COMMAND "gfx", gfx_command, "[FRAMES]: plasma and a cube in mode 13h"
    COMMAND "vbe", vbe_command, "[gradient]: the Mandelbrot set in a VBE mode"
    COMMAND "test", tests_command, "[NAME]: the machine tests itself"
    COMMAND "cls", console_clear, "clears the screen"
    COMMAND "reboot", reboot, "starts the machine again"
    COMMAND "off", power_off, "switches the machine off by ACPI"
    db 0

    section .bss
line: resb LINE + 1
last_line: resb LINE + 1
    alignb 4
    section .text
