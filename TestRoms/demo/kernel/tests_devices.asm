; The tests of memory and of the chips. None of them leaves anything behind: masks, modes and registers are as they were.

; The last page of every range of RAM, and one page at each power of two: neither may be the other.
test_memory:
    xor ebp, ebp                        ; pages under test
    mov edi, 0x400000
.power:
    mov eax, edi
    call .is_ram
    jc .no_power
    call .add
.no_power:
    add edi, edi
    jnc .power
    mov esi, boot_info + BootInfo.map
    mov ecx, [boot_info + BootInfo.map_count]
.range:
    jecxz .listed
    cmp dword [esi + 16], 1
    jne .next
    cmp dword [esi + 4], 0
    jne .next
    mov edi, [esi]
    add edi, [esi + 8]
    jc .next
    sub edi, PAGE
    and edi, -PAGE
    cmp edi, LOW_END
    jb .next
    call .add
.next:
    add esi, 24
    dec ecx
    jmp .range
.listed:
    test ebp, ebp
    jz test_absent
    xor ecx, ecx
.write:
    mov edi, [test_pages + ecx * 4]
    mov edx, [edi]
    mov [test_saved + ecx * 4], edx
    mov [edi], edi                      ; a different value in each
    mov dword [edi + 4], 0x55AA55AA
    inc ecx
    cmp ecx, ebp
    jb .write
    xor ecx, ecx
.check:
    mov edi, [test_pages + ecx * 4]
    cmp [edi], edi
    EXPECT e
    cmp dword [edi + 4], 0x55AA55AA
    EXPECT e
    mov edx, [test_saved + ecx * 4]
    mov [edi], edx
    inc ecx
    cmp ecx, ebp
    jb .check
    ret

.add:                                   ; EDI = physical address
    push ecx
    cmp ebp, 12
    jae .full
    mov eax, edi
    mov ecx, PAGE
    call window_map
    EXPECT nc
    mov [test_pages + ebp * 4], eax
    inc ebp
.full:
    pop ecx
    ret

.is_ram:                                ; EAX = address. Carry set: it is none
    push ecx
    push edx
    push esi
    mov esi, boot_info + BootInfo.map
    mov ecx, [boot_info + BootInfo.map_count]
.look:
    jecxz .no
    cmp dword [esi + 16], 1
    jne .other
    cmp dword [esi + 4], 0
    jne .other
    mov edx, eax
    sub edx, [esi]
    jb .other
    cmp edx, [esi + 8]
    jb .yes
.other:
    add esi, 24
    dec ecx
    jmp .look
.no:
    stc
    jmp .end
.yes:
    clc
.end:
    pop esi
    pop edx
    pop ecx
    ret

test_pic:
    in al, PIC1 + 1
    mov ah, al
    mov al, 0xAA                        ; the mask register can be read back
    cli
    out PIC1 + 1, al
    in al, PIC1 + 1
    xchg al, ah
    out PIC1 + 1, al
    sti
    cmp ah, 0xAA
    EXPECT e
    cli                                 ; a tick that waits shows in the request register
    mov ecx, 1000000
.request:
    mov al, 0x0A
    out PIC1, al
    in al, PIC1
    test al, 1
    jnz .waits
    loop .request
    sti
    cmp ecx, 0
    EXPECT ne
.waits:
    sti
    nop
    mov al, 0x0B                        ; and nothing is in service now
    out PIC1, al
    in al, PIC1
    test al, al
    EXPECT z
    ret

test_pit:
    call wait_for_tick
    mov eax, [ticks]
    call wait_for_tick
    sub eax, [ticks]
    inc eax
    EXPECT z
    xor al, al                          ; latch counter 0, read it twice: it counts down
    cli
    out PIT_CONTROL, al
    in al, PIT_COUNTER_0
    mov bl, al
    in al, PIT_COUNTER_0
    mov bh, al
    xor al, al
    out PIT_CONTROL, al
    in al, PIT_COUNTER_0
    mov cl, al
    in al, PIT_COUNTER_0
    mov ch, al
    sti
    cmp bx, (PIT_FREQUENCY + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND
    EXPECT be
    cmp cx, bx
    EXPECT be
    in al, 0x61                         ; counter 2 behind the speaker: a pulse of 1,000 counts, whose end port 61h shows in bit 5
    mov ah, al
    and al, 0xFC
    or al, 1                            ; gate on, speaker off
    out 0x61, al
    mov al, 0xB0                        ; counter 2, both bytes, mode 0
    out PIT_CONTROL, al
    mov al, 1000 & 0xFF
    out 0x42, al
    mov al, 1000 >> 8
    out 0x42, al
    mov ecx, 1000000
.wait:
    in al, 0x61
    test al, 0x20
    loopz .wait
    mov al, ah
    out 0x61, al
    test ecx, ecx
    EXPECT nz
    ret

test_rtc:
    call rtc_time
    cmp byte [rtc_values], 59
    EXPECT be
    cmp byte [rtc_values + 1], 59
    EXPECT be
    cmp byte [rtc_values + 2], 23
    EXPECT be
    mov al, [rtc_values + 3]
    dec al
    cmp al, 30
    EXPECT be
    mov al, [rtc_values + 4]
    dec al
    cmp al, 11
    EXPECT be
    mov al, 0x0D                        ; VRT: the battery is good
    call rtc_read
    test al, 0x80
    EXPECT nz
    mov dword [test_count], 0           ; the periodic interrupt, 1,024 times a second, for a fifth of a second
    mov eax, 8
    mov edx, .interrupt
    call irq_install
    cli
    mov al, 0x0A
    call rtc_read
    mov bl, al
    and al, 0xF0
    or al, 6
    mov ah, al
    mov al, 0x0A
    call .write
    mov al, 0x0B
    call rtc_read
    mov bh, al
    or al, 0x40
    mov ah, al
    mov al, 0x0B
    call .write
    sti
    mov ecx, 20
.wait:
    call wait_for_tick
    loop .wait
    cli
    mov ah, bl
    mov al, 0x0A
    call .write
    mov ah, bh
    mov al, 0x0B
    call .write
    sti
    cmp dword [test_count], 20          ; 205; less where an emulator's host is busy, but one a tick at least
    EXPECT ae
    cmp dword [test_count], 300
    EXPECT be
    ret
.write:                                 ; AL = register, AH = value
    out RTC_INDEX, al
    mov al, ah
    out RTC_DATA, al
    ret
.interrupt:
    inc dword [test_count]
    mov al, 0x0C                        ; no further one before register C was read
    jmp rtc_read

test_keyboard:
    cli
    call .ready
    mov al, 0xAB                        ; the controller tests the keyboard's line: 0 is good
    out KBD_STATUS, al
    call .answer
    cmp al, 0
    EXPECT e
    call .ready
    mov al, 0x20                        ; its command byte: interrupts of the keyboard and translation are on
    out KBD_STATUS, al
    call .answer
    and al, 0x41
    cmp al, 0x41
    EXPECT e
    call .ready
    mov al, 0xEE                        ; echo, from the keyboard itself
    out KBD_DATA, al
    call .answer
    sti
    cmp al, 0xEE
    EXPECT e
    ret
.ready:
    mov ecx, 1000000
.busy:
    in al, KBD_STATUS
    test al, 2
    loopnz .busy
    ret
.answer:
    mov ecx, 1000000
.empty:
    in al, KBD_STATUS
    test al, 1
    loopz .empty
    in al, KBD_DATA
    ret

test_dma:
    cli
    out 0x0C, al                        ; any value: the next byte is a low one
    mov al, 0x34
    out 0x02, al                        ; the address of channel 1, which nobody uses
    mov al, 0x12
    out 0x02, al
    mov al, 0x78
    out 0x03, al                        ; and its count
    mov al, 0x56
    out 0x03, al
    out 0x0C, al
    in al, 0x02
    mov bl, al
    in al, 0x02
    mov bh, al
    in al, 0x03
    mov cl, al
    in al, 0x03
    mov ch, al
    mov al, 0x5A
    out 0x83, al                        ; its page
    in al, 0x83
    sti
    cmp bx, 0x1234
    EXPECT e
    cmp cx, 0x5678
    EXPECT e
    cmp al, 0x5A
    EXPECT e
    ret

test_serial:
    cmp byte [serial_is_there], 0
    je test_absent
    mov ecx, 1000000
.drain:                                 ; until all has left
    INB UART_LSR
    test al, 0x40
    loopz .drain
    cli
    OUTB UART_IER, 0
    OUTB UART_MCR, 0x1B                 ; loop: what is sent comes back and stays inside
    mov ebx, 0x55
.byte:
    OUTB UART_DATA, bl
    mov ecx, 1000000
.wait:
    INB UART_LSR
    test al, LSR_DATA_READY
    loopz .wait
    INB UART_DATA
    cmp al, bl
    jne .done
    xor ebx, 0xFF
    cmp ebx, 0x55
    jne .byte
.done:
    mov bh, al
    OUTB UART_MCR, 0x0B
    OUTB UART_IER, 1
    sti
    cmp bh, 0xAA
    EXPECT e
    ret

test_pci:
    call pci_is_there
    jc test_absent
    xor eax, eax                        ; device 0 is the host bridge
    call pci_read
    cmp ax, 0xFFFF
    EXPECT ne
    mov eax, PCI_CLASS
    call pci_read
    shr eax, 16
    cmp eax, 0x0600
    EXPECT e
    mov eax, 31 << 11                   ; where nobody is, all bits are ones
    call pci_read
    cmp eax, -1
    EXPECT e
    mov eax, 0x0101                     ; the interrupt line is a byte for notes
    call pci_find_class
    jc .done
    lea eax, [esi + PCI_INTERRUPT]
    call pci_read
    mov ebx, eax
    mov ecx, eax
    xor cl, 0xA5
    lea eax, [esi + PCI_INTERRUPT]
    call pci_write
    call pci_read
    mov edx, eax
    lea eax, [esi + PCI_INTERRUPT]
    xchg ecx, ebx
    call pci_write
    cmp dl, bl
    EXPECT e
.done:
    ret

test_vga:
    mov edx, CRTC_INDEX                 ; the cursor's place can be read back
    mov al, CRTC_CURSOR_LOW
    out dx, al
    inc edx
    in al, dx
    cmp al, [cursor]
    jne test_absent                     ; no adapter with colour addresses
    cli
    mov dword [SCREEN + 0x1000], 0x12345678 ; text memory holds what is written, also behind the page that is shown
    cmp dword [SCREEN + 0x1000], 0x12345678
    mov dword [SCREEN + 0x1000], 0x07200720
    sti
    EXPECT e
    OUTB 0x3C7, 63                      ; the colour of entry 63 is kept
    OUTB VGA_PALETTE, 200
    inc edx
    mov al, 11
    out dx, al
    mov al, 22
    out dx, al
    mov al, 33
    out dx, al
    OUTB 0x3C7, 200
    INB 0x3C9
    mov bl, al
    in al, dx
    mov bh, al
    in al, dx
    cmp bx, 22 << 8 | 11
    EXPECT e
    cmp al, 33
    EXPECT e
    mov ecx, 4000000                    ; the beam comes and goes
    mov edx, VGA_STATUS
.on:
    in al, dx
    test al, 8
    loopz .on
    test ecx, ecx
    EXPECT nz
.off:
    in al, dx
    test al, 8
    loopnz .off
    test ecx, ecx
    EXPECT nz
    ret

test_acpi:
    cmp dword [acpi_fadt], 0
    je test_absent
    cmp byte [acpi_knows_off], 1
    EXPECT e
    mov edx, [acpi_timer]               ; counts 3.579545 MHz, 24 bits at least: against five ticks of the 8254
    test edx, edx
    jz .done
    call wait_for_tick
    in eax, dx
    mov ebx, eax
    mov ecx, 5
.wait:
    call wait_for_tick
    loop .wait
    in eax, dx
    sub eax, ebx
    and eax, 0xFFFFFF
    cmp eax, 178977 * 8 / 10
    EXPECT ae
    cmp eax, 178977 * 6                 ; ticks may be late, and get lost
    EXPECT be
.done:
    ret

test_hpet:
    mov eax, 'HPET'
    call acpi_find
    jc test_absent
    mov eax, [eax + HPET_ADDRESS]
    mov ecx, 0x400
    call window_map
    EXPECT nc
    mov edi, eax
    mov eax, [edi + 4]                  ; the period of a count in femtoseconds, at most 100 ns
    dec eax
    cmp eax, 100000000
    EXPECT b
    mov ebx, [edi + 0x10]
    or dword [edi + 0x10], 1            ; lets the counter run
    mov ecx, [edi + 0xF0]
    call wait_for_tick
    call wait_for_tick
    mov edx, [edi + 0xF0]
    mov [edi + 0x10], ebx
    cmp ecx, edx
    EXPECT ne
    ret

test_apic:
    NEEDS FEATURE_APIC
    mov eax, 0xFEE00000
    cmp byte [cpu_signature + 1], 6     ; the Pentium's is always there
    jb .there
    mov ecx, 0x1B                       ; IA32_APIC_BASE
    rdmsr
    test eax, 1 << 11                   ; enabled
    jz test_absent
    and eax, -PAGE
.there:
    mov ecx, PAGE
    call window_map
    EXPECT nc
    mov edi, eax
    mov eax, [edi + 0x30]               ; version 10h to 1Fh is an integrated one
    and al, 0xF0
    cmp al, 0x10
    EXPECT e
    mov ebx, [edi + 0x80]               ; the task priority is a register as any
    mov dword [edi + 0x80], 0x30
    mov ecx, [edi + 0x80]
    mov [edi + 0x80], ebx
    cmp ecx, 0x30
    EXPECT e
    mov ebx, [edi + 0x3E0]              ; its timer counts down: masked, divided by 16
    mov dword [edi + 0x320], 1 << 16 | 0xFE
    mov dword [edi + 0x3E0], 3
    mov dword [edi + 0x380], -1
    call wait_for_tick
    call wait_for_tick
    mov ecx, [edi + 0x390]
    mov dword [edi + 0x380], 0
    mov [edi + 0x3E0], ebx
    cmp ecx, -1
    EXPECT ne
    ret

test_io_apic:
    mov eax, 'APIC'                     ; the table that lists the interrupt controllers
    call acpi_find
    jc test_absent
    mov ecx, [eax + TABLE_LENGTH]
    lea edx, [eax + ecx]
    lea esi, [eax + 44]
.entry:
    cmp esi, edx
    jae test_absent
    cmp byte [esi], 1                   ; an I/O APIC
    je .found
    movzx ecx, byte [esi + 1]
    cmp ecx, 2
    jb test_absent
    add esi, ecx
    jmp .entry
.found:
    mov eax, [esi + 4]
    mov ecx, 0x20
    call window_map
    EXPECT nc
    mov edi, eax
    mov dword [edi], 1                  ; register 1: version, and the number of its last input
    mov eax, [edi + 0x10]
    shr eax, 16
    movzx eax, al
    cmp eax, 15
    EXPECT ae
    mov dword [edi], 0x10 + 2 * 15      ; the low half of input 15's entry: masked, and a vector
    mov ebx, [edi + 0x10]
    mov dword [edi + 0x10], 1 << 16 | 0x77
    mov ecx, [edi + 0x10]
    mov [edi + 0x10], ebx
    cmp ecx, 1 << 16 | 0x77
    EXPECT e
    ret

    section .bss
    alignb 4
test_count: resd 1
test_pages: resd 12
test_saved: resd 12
    section .text
