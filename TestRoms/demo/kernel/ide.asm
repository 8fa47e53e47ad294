; IDE drives. ATA/ATAPI-5 (ANSI T13), and "Programming Interface for Bus Master IDE Controller" (SFF-8038i) for DMA.
;
; Two channels with two drives each. A channel is a set of registers in the drives themselves: sector number and count are written first, the command
; last. Data then comes word by word through the data register (PIO), or the controller moves it by itself (bus master DMA): it gets a table of memory
; regions, is started after the command, and an interrupt tells the end. DMA is used where both the controller and the drive can do it.

ATA_DATA        equ 0                   ; offsets from the channel's base
ATA_ERROR       equ 1                   ; features when written
ATA_COUNT       equ 2
ATA_LBA_LOW     equ 3
ATA_LBA_MIDDLE  equ 4
ATA_LBA_HIGH    equ 5
ATA_DEVICE      equ 6
ATA_STATUS      equ 7                   ; command when written
ATA_CONTROL     equ 0x206               ; alternate status: the same, without clearing the interrupt

ATA_BSY         equ 0x80
ATA_DRDY        equ 0x40
ATA_DF          equ 0x20
ATA_DRQ         equ 0x08
ATA_ERR         equ 0x01

READ_SECTORS    equ 0x20
READ_DMA        equ 0xC8
PACKET          equ 0xA0
IDENTIFY        equ 0xEC
IDENTIFY_PACKET equ 0xA1

BM_COMMAND      equ 0                   ; offsets from BAR 4, channel 1 follows 8 ports later
BM_STATUS       equ 2
BM_TABLE        equ 4
BM_TO_MEMORY    equ 8
BM_START        equ 1

DISK_BUFFER     equ 0x20000             ; 64 KiB on a boundary of 64 KiB, which no region may cross
DISK_TABLE      equ 0x10000
DISK_MAXIMUM    equ 128                 ; sectors in one go

struc Ide
    .kind           resd 1              ; 0 none, 1 disk, 2 CD
    .base           resd 1
    .device         resd 1              ; what selects it in ATA_DEVICE
    .channel        resd 1
    .sectors        resd 1
    .has_dma        resd 1
    .model          resb 40
    .zero           resd 1
endstruc
IDE_DISK        equ 1
IDE_CD          equ 2

ide_init:
    pushad
    mov eax, 0x0101
    call pci_find_class
    jc .no_bus_master
    lea eax, [esi + PCI_COMMAND]
    call pci_read
    or al, 5                            ; ports, and the right to be bus master
    mov ecx, eax
    lea eax, [esi + PCI_COMMAND]
    call pci_write
    lea eax, [esi + PCI_BAR4]
    call pci_read
    test al, 1                          ; must be a range of ports
    jz .no_bus_master
    and eax, 0xFFF0
    mov [bus_master], eax
.no_bus_master:
    mov eax, 14
    mov edx, ide_interrupt_0
    call irq_install
    mov eax, 15
    mov edx, ide_interrupt_1
    call irq_install

    mov ebx, drives
    xor edi, edi
.drive:
    mov eax, edi
    shr eax, 1
    mov [ebx + Ide.channel], eax
    mov dword [ebx + Ide.base], 0x1F0
    test eax, eax
    jz .first
    mov dword [ebx + Ide.base], 0x170
.first:
    mov eax, edi
    and eax, 1
    shl eax, 4
    or eax, 0xE0                        ; two bits that once were sector size, and LBA
    mov [ebx + Ide.device], eax
    call ide_identify
    add ebx, Ide_size
    inc edi
    cmp edi, 4
    jb .drive
    popad
    ret

; The interrupt is acknowledged by reading the status.
ide_interrupt_0:
    INB 0x1F0 + ATA_STATUS
    mov byte [ide_came], 1
    ret
ide_interrupt_1:
    INB 0x170 + ATA_STATUS
    mov byte [ide_came + 1], 1
    ret

; ide_identify: EBX = drive. Fills in what it says of itself; its kind stays 0 when there is none.
ide_identify:
    pushad
    call ide_select
    jc .none
    mov edx, [ebx + Ide.base]
    add edx, ATA_STATUS
    in al, dx
    cmp al, 0xFF                        ; nothing drives the bus
    je .none
    mov ecx, IDE_DISK
    mov al, IDENTIFY
    call .ask
    jnc .read
    mov edx, [ebx + Ide.base]           ; a CD drive refuses and leaves its signature
    add edx, ATA_LBA_MIDDLE
    in al, dx
    cmp al, 0x14
    jne .none
    inc edx
    in al, dx
    cmp al, 0xEB
    jne .none
    mov ecx, IDE_CD
    mov al, IDENTIFY_PACKET
    call .ask
    jc .none
.read:
    mov [ebx + Ide.kind], ecx
    mov edi, identify_data
    mov edx, [ebx + Ide.base]
    mov ecx, 256
    rep insw
    mov eax, [identify_data + 60 * 2]   ; sectors that LBA reaches
    mov [ebx + Ide.sectors], eax
    movzx eax, byte [identify_data + 49 * 2 + 1]
    and eax, 1                          ; word 49 bit 8: DMA
    mov [ebx + Ide.has_dma], eax
    mov esi, identify_data + 27 * 2     ; the model: two characters a word, the first one in the high byte
    lea edi, [ebx + Ide.model]
    mov ecx, 20
.model:
    lodsw
    xchg al, ah
    stosw
    loop .model
.blanks:
    dec edi
    cmp byte [edi], ' '
    jne .none
    mov byte [edi], 0
    cmp edi, ebx
    ja .blanks
.none:
    popad
    ret

.ask:                                   ; AL = command. Carry set: it was refused, or nobody is there
    mov edx, [ebx + Ide.base]
    add edx, ATA_STATUS
    out dx, al
    call ide_pause
    in al, dx
    test al, al
    jz .refused
    call ide_wait
    jc .refused
    test al, ATA_ERR
    jnz .refused
    test al, ATA_DRQ
    jz .refused
    ret
.refused:
    stc
    ret

; ide_select: EBX = drive. Carry set: it does not get ready.
ide_select:
    mov edx, [ebx + Ide.base]
    add edx, ATA_DEVICE
    mov al, [ebx + Ide.device]
    out dx, al
    call ide_pause
; ide_wait: until the drive is not busy. Returns AL = status. Carry set: it stays busy. Changes EDX.
ide_wait:
    push ecx
    mov edx, [ebx + Ide.base]
    add edx, ATA_CONTROL
    mov ecx, 2000000
.wait:
    in al, dx
    test al, ATA_BSY
    jz .ready
    loop .wait
    pop ecx
    stc
    ret
.ready:
    mov edx, [ebx + Ide.base]
    add edx, ATA_STATUS
    in al, dx
    pop ecx
    clc
    ret

ide_pause:                              ; 400 ns, by four reads of the alternate status
    push eax
    push edx
    mov edx, [ebx + Ide.base]
    add edx, ATA_CONTROL
    in al, dx
    in al, dx
    in al, dx
    in al, dx
    pop edx
    pop eax
    ret

; ide_address: EBX = drive, EAX = LBA, ECX = count, which go to the registers.
ide_address:
    push eax
    push ecx
    push eax
    mov edx, [ebx + Ide.base]
    add edx, ATA_COUNT
    mov al, cl
    out dx, al
    pop eax
    mov ecx, 3
.byte:
    inc edx
    out dx, al
    shr eax, 8
    loop .byte
    inc edx                             ; ATA_DEVICE: bits 24-27
    and al, 15
    or al, [ebx + Ide.device]
    out dx, al
    pop ecx
    pop eax
    ret

; disk_read: EAX = LBA, ECX = sectors (up to DISK_MAXIMUM), from [disk] to DISK_BUFFER. Carry set: it failed. Interrupts must be on.
disk_read:
    pushad
    mov ebx, [disk]
    test ebx, ebx
    jz .failed
    mov edi, eax
    call ide_select
    mov eax, edi
    jc .failed
    cmp dword [bus_master], 0
    je .pio
    cmp dword [ebx + Ide.has_dma], 0
    je .pio
    cmp byte [disk_pio], 0
    jne .pio
    call disk_read_dma
    popad
    ret
.pio:
    call disk_read_pio
    popad
    ret
.failed:
    popad
    stc
    ret

disk_read_pio:
    call ide_address
    mov edx, [ebx + Ide.base]
    add edx, ATA_STATUS
    mov al, READ_SECTORS
    out dx, al
    call ide_pause
    mov edi, DISK_BUFFER
    mov esi, ecx
.sector:
    call ide_wait
    jc .failed
    test al, ATA_ERR | ATA_DF
    jnz .failed
    test al, ATA_DRQ
    jz .failed
    mov edx, [ebx + Ide.base]
    mov ecx, 256
    rep insw
    dec esi
    jnz .sector
    clc
    ret
.failed:
    stc
    ret

disk_read_dma:
    mov dword [DISK_TABLE], DISK_BUFFER ; one region: address, length, and the mark of the last entry
    mov edx, ecx
    shl edx, 9                          ; 64 KiB are written as 0
    and edx, 0xFFFF
    or edx, 1 << 31
    mov [DISK_TABLE + 4], edx
    mov ebp, [ebx + Ide.channel]
    mov byte [ide_came + ebp], 0
    lea esi, [ebp * 8]
    add esi, [bus_master]
    push eax
    lea edx, [esi + BM_TABLE]
    mov eax, DISK_TABLE
    out dx, eax
    lea edx, [esi + BM_COMMAND]
    mov al, BM_TO_MEMORY
    out dx, al
    lea edx, [esi + BM_STATUS]
    in al, dx
    or al, 6                            ; clears interrupt and error, which are written as ones
    out dx, al
    pop eax
    call ide_address
    mov edx, [ebx + Ide.base]
    add edx, ATA_STATUS
    mov al, READ_DMA
    out dx, al
    lea edx, [esi + BM_COMMAND]
    mov al, BM_TO_MEMORY | BM_START
    out dx, al
    call ide_await
    jc .stop
    inc dword [disk_dma_reads]
.stop:
    pushfd
    lea edx, [esi + BM_COMMAND]
    xor al, al
    out dx, al
    popfd
    jc .failed
    lea edx, [esi + BM_STATUS]
    in al, dx
    test al, 2                          ; the bus master has met an error
    jnz .failed
    call ide_wait
    jc .failed
    test al, ATA_ERR | ATA_DF
    jnz .failed
    clc
    ret
.failed:
    stc
    ret

; ide_await: EBP = channel: until its interrupt has come. Carry set: not within two seconds.
ide_await:
    push eax
    mov eax, [ticks]
    add eax, 2 * TICKS_PER_SECOND
.wait:
    cli                                 ; between the look and HLT nothing may come: STI lets the next instruction pass first
    cmp byte [ide_came + ebp], 0
    jne .came
    cmp eax, [ticks]
    je .late
    sti
    hlt
    jmp .wait
.came:
    sti
    pop eax
    clc
    ret
.late:
    sti
    pop eax
    stc
    ret

; ide_print: what "drives" shows.
ide_print:
    pushad
    mov ebx, drives
    xor edi, edi
.drive:
    mov eax, [ebx + Ide.kind]
    test eax, eax
    jz .next
    PRINT "  Channel "
    mov eax, [ebx + Ide.channel]
    call print_decimal
    test edi, 1
    jnz .slave
    PRINT " master  "
    jmp .kind
.slave:
    PRINT " slave   "
.kind:
    cmp dword [ebx + Ide.kind], IDE_CD
    je .cd
    PRINT "disk  "
    mov eax, [ebx + Ide.sectors]
    shr eax, 11
    mov ecx, 6
    call print_decimal_in
    PRINT " MiB  "
    cmp dword [ebx + Ide.has_dma], 0
    je .pio
    cmp dword [bus_master], 0
    je .pio
    PRINT "DMA  "
    jmp .model
.pio:
    PRINT "PIO  "
    jmp .model
.cd:
    PRINT "CD                 "
.model:
    lea esi, [ebx + Ide.model]
    call print
    call new_line
.next:
    add ebx, Ide_size
    inc edi
    cmp edi, 4
    jb .drive
    popad
    ret

    section .bss
    alignb 4
drives: resb Ide_size * 4
disk: resd 1                            ; the drive that disk_read means
bus_master: resd 1                      ; its first port; 0 without one
disk_dma_reads: resd 1
identify_data: resw 256
ide_came: resb 2                        ; a channel's interrupt has come
disk_pio: resb 1                        ; a test wants PIO
    alignb 4
    section .text
