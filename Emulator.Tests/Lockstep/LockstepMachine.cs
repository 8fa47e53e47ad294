using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Jit;
using Emulator.Jit.Verification;
using Iced.Intel;
using Microsoft.Extensions.Logging.Abstractions;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// One machine of a lockstep pair: flat 32-bit code with paging, an IDT whose handlers resume the program at another block, a timer, and a
/// device whose values show the exact time of each access. Linear addresses (4 KiB pages) and what they are mapped to:
/// <code>
/// 001000 GDT      002000 IDT      003000 TSS      004000 handlers   006000 handlers' data   008000-00BFFF stack of CPL 0
/// 010000 page directory, 011000 page table of the first 4 MiB (writable by the program)
/// 100000 code     108000 the other program     180000 data (pages 4 to 9 in any order, 10 read-only, 11 absent, 12 = page 2, 13 supervisor's, 15 = code page 1)
/// 1A0000 stack of CPL 3     300000 = 100000     380000 = 180000     3F0000 device
/// </code>
/// </summary>
internal sealed unsafe class LockstepMachine : IInterruptController, IDisposable
{
    public const uint RamSize = 0x200000;
    public const uint Data = 0x180000;
    public const uint DataLength = 0x10000;
    public const uint PageTable = 0x11000;
    public const uint CodeCopy = 0x108000;
    public const uint Device = 0x3F0000;
    public const uint UserStackTop = 0x1A2000;
    public const uint SupervisorStackTop = 0xB000;

    /// <summary>Vector that reloads CR3.</summary>
    public const byte FlushVector = 0x80;

    /// <summary>An interrupt whose handler sets CR0.TS; #NM clears it.</summary>
    public const byte TaskSwitchedVector = 0x81;

    private const uint Gdt = 0x1000;
    private const uint Idt = 0x2000;
    private const uint Tss = 0x3000;
    private const uint Handlers = 0x4000;
    private const uint HandlerData = 0x6000;
    private const uint ResumeTable = HandlerData + 0x100;
    private const uint PageDirectory = 0x10000;
    private const uint DevicePhysical = 0xFED00000;
    private const byte TimerVector = 0x20;
    private const uint VectorsWithError = (1u << 8) | (1u << 10) | (1u << 11) | (1u << 12) | (1u << 13) | (1u << 14) | (1u << 17);

    private readonly PhysicalMemory _memory = new(RamSize, NullLogger.Instance);
    private readonly PortMap _ports = new(NullLogger.Instance);
    private readonly TimerEvent _timer;
    private readonly bool _translated;
    private readonly RegionMonitor? _monitor;
    private JitTranslator? _translator;

    /// <summary>Regions that could not be compiled in the background; in the foreground that is an exception.</summary>
    public long CompileFailures => _translator?.CompileFailures ?? 0;
    private SplitMix _random = new(0);
    private LockstepSetup _setup = new();
    private long _start;

    /// <summary>Creates a machine.</summary>
    /// <param name="translated">Whether it has a translator.</param>
    /// <param name="monitor">Watches the translator's regions; null for none.</param>
    public LockstepMachine(bool translated, RegionMonitor? monitor = null)
    {
        _translated = translated;
        _monitor = monitor;
        _memory.MapRam(0, 0, RamSize);
        _memory.MapDevice(DevicePhysical, 0x1000, this, &ReadDevice, &WriteDevice, null);
        _ports.Map(0, 0x10000, 4, this, &ReadPort, &WritePort);
        Core = new CpuCore(CpuModel.Max, _memory, _ports, ClockMode.InstructionCount, null, NullLogger.Instance) { InterruptController = this };
        _timer = Core.Events.Register("lockstep.timer", OnTimer);
    }

    public CpuCore Core { get; }

    public CpuState* State => Core.State;

    /// <summary>Instructions since the program was loaded.</summary>
    public long Retired => Core.Retired - _start;

    /// <summary>What the translator found of itself, when it verifies.</summary>
    public Divergence? Divergence => _translator?.Divergence;

    public ReadOnlySpan<byte> Ram => new(_memory.Ram, (int)RamSize);

    public byte Acknowledge()
    {
        Core.SetIntr(false);
        return TimerVector;
    }

    public void Dispose() => _translator?.Dispose();

    /// <summary>Puts a program into the machine, ready to run its first block.</summary>
    /// <param name="program">The program.</param>
    public void Load(GuestProgram program)
    {
        _setup = program.Setup;
        _random = new SplitMix(_setup.Seed ^ 0x5EED);
        Core.SetIntr(false);
        Core.Reset();
        Core.Events.Cancel(_timer);
        FillMemory(program);
        SetState(program);
        if (_translated)
        {
            Core.SetTranslator(null);
            _translator?.Dispose();
            _translator = new JitTranslator(Core, new JitOptions { HotThreshold = _setup.Threshold, RegionInstructions = _setup.RegionInstructions, Background = _setup.Background, Verify = _setup.Verify })
            {
                Monitor = _setup.EachRegion && !_setup.Verify ? _monitor : null,
            };
            _translator.Attach();
        }
        else
        {
            Core.SetTranslator(null);
        }

        _start = Core.Retired;
        State->TscOffset = (ulong)-Core.Clock.Now;
        if (_setup.TimerPeriod != 0)
        {
            ScheduleTimer();
        }
    }

    private static ulong ReadDevice(object target, uint address, int size) => size == 1
        ? (address * 0x9E3779B1) >> 24 // the same at all times: code is fetched from here by bytes, and in advance
        : ((LockstepMachine)target).ReadAt(address);

    private static void WriteDevice(object target, uint address, int size, ulong value) => ((LockstepMachine)target).WriteAt((uint)value);

    private static uint ReadPort(object target, ushort port, int size) => (uint)((LockstepMachine)target).ReadAt(port);

    private static void WritePort(object target, ushort port, int size, uint value) => ((LockstepMachine)target).WriteAt(value);

    /// <summary>A value that shows when it was read. Reads at some addresses ask for an interrupt.</summary>
    private ulong ReadAt(uint address)
    {
        if ((address & 0x30) == 0x30)
        {
            WriteAt(address >> 6);
        }

        return ((ulong)Retired + 1) * 0x9E3779B97F4A7C15 ^ address;
    }

    private void WriteAt(uint value)
    {
        switch (value & 15)
        {
            case 0:
                Core.SetIntr(true);
                break;
            case 1:
                Core.Events.Schedule(_timer, Core.Clock.Now + (((value >> 4) & 0x3F) * Clock.NanosecondsPerInstruction));
                break;
            case 2:
                Core.RequestStop();
                break;
            default:
                break;
        }
    }

    private void OnTimer(long due)
    {
        Core.SetIntr(true);
        if (_setup.TimerPeriod != 0)
        {
            ScheduleTimer();
        }
    }

    private void ScheduleTimer() =>
        Core.Events.Schedule(_timer, Core.Clock.Now + ((1 + _random.Below((int)_setup.TimerPeriod * 2)) * (long)Clock.NanosecondsPerInstruction));

    private void FillMemory(GuestProgram program)
    {
        byte[] image = new byte[RamSize];
        SplitMix random = new(_setup.Seed + 77);
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(image.AsSpan((int)Data, (int)DataLength)))
        {
            word = random.OneIn(3) ? (ulong)random.Below(256) : random.Next();
        }

        program.Build(others: false).CopyTo(image, (int)GuestProgram.Code);
        program.Build(others: true).CopyTo(image, (int)CodeCopy);
        Put(image, Gdt + 0x08, 0x00CF9B000000FFFF);
        Put(image, Gdt + 0x10, 0x00CF93000000FFFF);
        Put(image, Gdt + 0x18, 0x00CFFB000000FFFF);
        Put(image, Gdt + 0x20, 0x00CFF3000000FFFF);
        Put(image, Gdt + 0x28, 0x0000890000000067 | ((ulong)Tss << 16));

        // Data segments that are not flat: base 180000h and 64 KiB; expand-down.
        Put(image, Gdt + 0x30, 0x0040F3000000FFFF | ((ulong)(Data & 0xFFFFFF) << 16));
        Put(image, Gdt + 0x38, 0x00CFF7000000017F);
        Put(image, Tss + 4, SupervisorStackTop | (0x10ul << 32));
        Put(image, Tss + 0x64, 0x0000000000680000);
        BuildHandlers(image, program);
        BuildPages(image);
        _memory.WriteBlock(0, image);
    }

    private static void Put(byte[] image, uint at, ulong value) => BitConverter.TryWriteBytes(image.AsSpan((int)at), value);

    private static void Put(byte[] image, uint at, uint value) => BitConverter.TryWriteBytes(image.AsSpan((int)at), value);

    private void BuildHandlers(byte[] image, GuestProgram program)
    {
        for (uint i = 0; i < 64; i++)
        {
            Put(image, ResumeTable + (i * 4), program.AddressOf((int)i % program.Blocks.Count));
        }

        for (uint i = 0; i < 256; i++)
        {
            uint at = Handlers + (i * 16);
            uint attributes = i is 3 or 4 or FlushVector or TaskSwitchedVector ? 0xEE00u : 0x8E00;
            Put(image, Idt + (i * 8), (at & 0xFFFF) | 0x80000);
            Put(image, Idt + (i * 8) + 4, (at & 0xFFFF0000) | attributes);
            Assembler stub = new(32);
            switch (i)
            {
                case 1:
                    stub.and(__dword_ptr.ss[esp + 8], ~(int)Eflags.TF);
                    stub.iretd();
                    break;
                case 3 or 4:
                    stub.iretd();
                    break;
                case TimerVector:
                    stub.inc(__dword_ptr.ss[HandlerData + 8]);
                    stub.iretd();
                    break;
                case 7:
                    stub.clts();
                    stub.iretd();
                    break;
                case TaskSwitchedVector:
                    stub.push(eax);
                    stub.mov(eax, cr0);
                    stub.or(eax, (int)Cr0.TS);
                    stub.mov(cr0, eax);
                    stub.pop(eax);
                    stub.iretd();
                    break;
                case FlushVector:
                    stub.push(eax);
                    stub.mov(eax, cr3);
                    stub.mov(cr3, eax);
                    stub.pop(eax);
                    stub.iretd();
                    break;
                default:
                    if (i >= 32 || (VectorsWithError & (1u << (int)i)) == 0)
                    {
                        stub.push(0);
                    }

                    stub.jmp((ulong)(Handlers + 0x1000));
                    break;
            }

            Place(stub, image, at);
        }

        Place(BuildResume(), image, Handlers + 0x1000);
    }

    /// <summary>The common fault handler: the program goes on at its next resume point, with its stack pointer reset.</summary>
    private Assembler BuildResume()
    {
        Assembler a = new(32);
        a.mov(__dword_ptr.ss[HandlerData], eax);
        a.add(esp, 12);
        a.pop(eax);
        a.and(eax, ~(int)(Eflags.TF | Eflags.NT | Eflags.AC | Eflags.RF));
        a.or(eax, (int)Eflags.IF);
        a.mov(esp, SupervisorStackTop);
        if (_setup.User)
        {
            a.push(0x23);
            a.push((int)UserStackTop - 0x100);
        }
        else
        {
            a.sub(esp, 0x100);
        }

        a.push(eax);
        a.push(_setup.User ? 0x1B : 0x08);
        a.mov(eax, __dword_ptr.ss[HandlerData + 4]);
        a.inc(eax);
        a.and(eax, 63);
        a.mov(__dword_ptr.ss[HandlerData + 4], eax);
        a.push(__dword_ptr.ss[(eax * 4) + (int)ResumeTable]);
        a.mov(eax, __dword_ptr.ss[HandlerData]);
        a.iretd();
        return a;
    }

    private static void Place(Assembler assembler, byte[] image, uint at)
    {
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), at);
        stream.ToArray().CopyTo(image, (int)at);
    }

    private void BuildPages(byte[] image)
    {
        SplitMix random = new(_setup.Seed + 55);
        uint[] order = [4, 5, 6, 7, 8, 9];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int other = random.Below(i + 1);
            (order[i], order[other]) = (order[other], order[i]);
        }

        Put(image, PageDirectory, PageTable | 7u);
        for (uint page = 0; page < 1024; page++)
        {
            uint address = page << 12;
            uint frame = address >= 0x200000 ? address - 0x200000 : address;
            uint offset = frame - Data;
            uint flags = frame < 0x10000 ? (frame == HandlerData || frame >= 0x8000 ? 3u : 1u) : 7;
            if (offset < DataLength)
            {
                (frame, flags) = (offset >> 12) switch
                {
                    >= 4 and <= 9 => (Data + (order[(offset >> 12) - 4] << 12), 7u),
                    10 => (frame, 5u),
                    11 => (frame, 0u),
                    12 => (Data + 0x2000, 7u),
                    13 => (frame, 3u),
                    15 => (GuestProgram.Code + 0x1000, 7u),
                    _ => (frame, 7u),
                };
            }

            if (frame == Tss)
            {
                flags = 3;
            }

            if (address == Device)
            {
                frame = DevicePhysical;
            }

            Put(image, PageTable + (page * 4), frame | flags);
        }
    }

    /// <summary>FS and GS as systems use them: with a base, now and then with a limit in the middle of the data, expand-down or read-only.</summary>
    private static void SetBased(SegmentRegister* r, ulong kind)
    {
        switch (kind)
        {
            case 1:
                r->Base = 0x2000;
                break;
            case 2:
                (r->Base, r->Limit) = (0xFFFFFFFC, Data + 0x3001);
                break;
            case 3:
                (r->Base, r->Limit) = (0x40, Data + 0x1FFF);
                r->Attributes = (ushort)((r->Attributes & ~0xF) | 7);
                break;
            default:
                r->Attributes = (ushort)((r->Attributes & ~0xF) | 1);
                break;
        }

        r->Update();
    }

    private void SetState(GuestProgram program)
    {
        CpuState* s = State;
        SplitMix random = new(_setup.Seed + 99);
        ushort code = _setup.User ? (ushort)0x1B : (ushort)0x08;
        ushort data = _setup.User ? (ushort)0x23 : (ushort)0x10;
        for (int i = 0; i < 6; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            bool isCode = i == SegmentIndex.Cs;
            (r->Selector, r->Base, r->Limit) = (isCode ? code : data, 0, 0xFFFFFFFF);
            r->Attributes = (ushort)(0xC093 | (isCode ? 8 : 0) | (_setup.User ? 0x60 : 0));
            r->Update();
        }

        SetBased(CpuState.Segment(s, SegmentIndex.Fs), _setup.Seed % 4);
        SetBased(CpuState.Segment(s, SegmentIndex.Gs), _setup.Seed / 4 % 4);
        SegmentRegister* tr = CpuState.Segment(s, SegmentIndex.Tr);
        (tr->Selector, tr->Base, tr->Limit, tr->Attributes) = (0x28, Tss, 0x67, 0x8B);
        tr->Update();
        for (int i = 0; i < 8; i++)
        {
            s->Gpr[i] = random.OneIn(2) ? (uint)random.Next() : (uint)random.Below(256);
        }

        CpuState.R32(s, 4) = _setup.User ? UserStackTop - 0x100 : SupervisorStackTop - 0x100;
        (s->GdtBase, s->GdtLimit, s->IdtBase, s->IdtLimit) = (Gdt, 0x3F, Idt, 0x7FF);
        s->Cpl = _setup.User ? (byte)3 : (byte)0;
        s->Cr0 = Cr0.PE | Cr0.PG | Cr0.WP | Cr0.NE | Cr0.MP | Cr0.ET | Cr0.AM;
        s->Cr4 = Cr4.OSFXSR | Cr4.OSXMMEXCPT;
        s->Cr3 = PageDirectory;
        s->Eip = program.AddressOf(0);
        LazyFlags.Write(s, Eflags.IF | Eflags.IoplMask | 2);
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }
}
