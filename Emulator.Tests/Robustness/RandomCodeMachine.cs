using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Devices;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Tests.Robustness;

/// <summary>CPU modes that random bytes are executed in.</summary>
internal enum RandomCodeMode
{
    Real16,

    /// <summary>Real mode with 4 GiB limits left from protected mode.</summary>
    BigReal,
    Protected16,
    Flat32,

    /// <summary>32-bit protected mode with segments of random base, limit and type.</summary>
    Segmented32,

    /// <summary>Paging, CPL 0; 32-bit, PSE or PAE tables by seed.</summary>
    PagedSupervisor,

    /// <summary>Paging, CPL 3.</summary>
    PagedUser,
    Virtual8086,

    /// <summary>Flat 32-bit code at CPL 0 on the whole board: port accesses reach the chips, and their interrupts arrive.</summary>
    Board,
}

/// <summary>
/// Executes random bytes as code: memory, registers, descriptor tables, gates and page tables are random but for what the mode needs to be
/// entered. Interrupts, NMIs and device reads with random values come in between. Every byte of a round's window is at most
/// <see cref="StartDistance"/> bytes behind a place where execution starts. The same seed gives the same run.
/// </summary>
internal sealed unsafe class RandomCodeMachine : IInterruptController
{
    /// <summary>Bytes of random code that one round runs through.</summary>
    public const int WindowSize = 0x10000;

    /// <summary>Bytes between two places where execution starts.</summary>
    public const int StartDistance = 16;

    /// <summary>What the probe program leaves when the CPU works: 3 * 5050 and 5050.</summary>
    public const uint ProbeResult = (15150u << 16) | 5050;

    private const uint RamSize = 0x600000;
    private const uint RandomSize = 0x100000;
    private const uint Window = 0x20000;
    private const uint Tables = 0x200000;
    private const uint Gdt = Tables;
    private const uint Idt = Tables + 0x1000;
    private const uint Tss = Tables + 0x2000;
    private const uint Ldt = Tables + 0x8000;
    private const uint PageDirectory = Tables + 0x10000;
    private const uint PageTables = Tables + 0x20000;
    private const uint DeviceAddress = 0xFED00000;
    private const int InstructionsPerStart = 120;
    private const ushort FlatCode0 = 0x08;
    private const ushort FlatData0 = 0x10;
    private const ushort FlatCode3 = 0x1B;
    private const ushort FlatData3 = 0x23;
    private const ushort Code16 = 0x28;
    private const ushort Data16 = 0x30;
    private const ushort TssSelector = 0x38;
    private const ushort LdtSelector = 0x40;

    private readonly RandomCodeMode _mode;
    private readonly PhysicalMemory _memory;
    private readonly PcMachine? _board;
    private readonly byte[] _random = new byte[RandomSize];
    private ulong _seed;
    private int _slices;

    /// <summary>Creates the machine.</summary>
    /// <param name="mode">The mode that code starts in.</param>
    /// <param name="seed">Seed of everything random.</param>
    public RandomCodeMachine(RandomCodeMode mode, ulong seed)
    {
        _mode = mode;
        _seed = (seed * 0x9E3779B97F4A7C15) + (ulong)mode + 1;
        if (mode == RandomCodeMode.Board)
        {
            _board = new PcMachine(new PcMachineConfig { RamSize = RamSize, NoReboot = true, SerialPorts = 2, DebugExitPort = 0xF4 });
            _memory = _board.Memory;
            Core = _board.Cpu;
            Core.BetweenSlices = StopWhenAsleep;
            return;
        }

        _memory = new PhysicalMemory(RamSize, NullLogger.Instance);
        PortMap ports = new(NullLogger.Instance);
        _memory.MapRam(0, 0, RamSize);
        _memory.MapDevice(DeviceAddress, 0x10000, this, &ReadDevice, &WriteDevice, null);
        _memory.MapDevice(0xA0000, 0x10000, this, &ReadDevice, &WriteDevice, null);
        _memory.MapRom(0xFFFF0000, new byte[0x10000]);
        ports.Map(0, 0x10000, 4, this, &ReadPort, &WritePort);
        Core = new CpuCore(CpuModel.Max, _memory, ports, ClockMode.InstructionCount, null, NullLogger.Instance) { InterruptController = this };
    }

    public CpuCore Core { get; }

    /// <summary>Starts that ended in shutdown.</summary>
    public long Shutdowns { get; private set; }

    /// <summary>Number of the round that runs.</summary>
    public int Round { get; private set; }

    /// <summary>Offset in the window of the start that runs.</summary>
    public int Start { get; private set; }

    /// <summary>Where the CPU is, for a look from another thread.</summary>
    public string Position
    {
        get
        {
            CpuState* s = State;
            return $"{CpuState.Segment(s, SegmentIndex.Cs)->Selector:X4}:{s->Eip:X8} {s->Pending}, budget {s->Budget}, {Core.FaultsDelivered} faults";
        }
    }

    private CpuState* State => Core.State;

    public byte Acknowledge()
    {
        Core.SetIntr(false);
        return (byte)Next();
    }

    /// <summary>Runs through one window of fresh random bytes.</summary>
    public void RunRound()
    {
        Fill();
        for (Start = 0; Start < WindowSize; Start += StartDistance)
        {
            SetState();
            _slices = 0;
            bool shutdown = _board is null ? Core.Run(InstructionsPerStart) == StopReason.Shutdown : _board.Run(InstructionsPerStart).Reason == RunReason.Shutdown;
            Shutdowns += shutdown ? 1 : 0;
        }

        Round++;
    }

    /// <summary>Resets the CPU and runs a small program; its result shows that the machine still works.</summary>
    public uint RunProbe()
    {
        // mov cx, 100; xor ax, ax; l: add ax, cx; imul bx, ax, 3; loop l; push ax; pop dx; hlt
        byte[] program = [0xB9, 100, 0, 0x31, 0xC0, 0x01, 0xC8, 0x6B, 0xD8, 0x03, 0xE2, 0xF9, 0x50, 0x5A, 0xF4];
        Core.SetA20(true);
        Core.SetIntr(false);
        Core.Reset();
        _memory.WriteBlock(0x1000, program);
        CpuState* s = State;
        SegmentRegister* cs = CpuState.Segment(s, SegmentIndex.Cs);
        cs->Base = 0;
        cs->Selector = 0;
        cs->Update();
        CpuState.R32(s, 4) = 0x800;
        s->Eip = 0x1000;
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
        StopReason reason = Core.Run(1000);
        return reason == StopReason.Halted ? (CpuState.R32(s, 3) << 16) | (CpuState.R32(s, 2) & 0xFFFF) : 0xFFFFFFFF;
    }

    private static ulong ReadDevice(object target, uint address, int size) => ((RandomCodeMachine)target).Next();

    private static void WriteDevice(object target, uint address, int size, ulong value) => ((RandomCodeMachine)target).Poke((uint)value);

    private static uint ReadPort(object target, ushort port, int size) => (uint)((RandomCodeMachine)target).Next();

    private static void WritePort(object target, ushort port, int size, uint value) => ((RandomCodeMachine)target).Poke(value);

    /// <summary>A halted CPU can wait for ever for an interrupt that is masked: after some timer events the next start comes.</summary>
    private void StopWhenAsleep()
    {
        const int MostSlices = 8;
        if (++_slices > MostSlices)
        {
            Core.RequestStop();
        }
    }

    /// <summary>A write to a device sometimes moves a pin, as devices do in the middle of an instruction.</summary>
    private void Poke(uint value)
    {
        switch (value & 15)
        {
            case 0:
                Core.SetIntr(true);
                break;
            case 1:
                Core.RaiseNmi();
                break;
            case 2:
                Core.SetA20((value & 16) != 0);
                break;
            case 3:
                Core.RequestStop();
                break;
            default:
                break;
        }
    }

    private ulong Next()
    {
        ulong z = _seed += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private uint Below(uint bound) => (uint)((Next() >> 32) * bound >> 32);

    private bool OneIn(uint n) => Below(n) == 0;

    private void Fill()
    {
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(_random.AsSpan()))
        {
            word = Next();
        }

        _memory.WriteBlock(0, _random);
        FillTables();
    }

    private void FillTables()
    {
        // Most random selectors name something: tables of random descriptors, the fixed ones in front.
        for (uint i = 0; i < 512; i++)
        {
            _memory.Write(Gdt + (i * 8), RandomDescriptor());
            _memory.Write(Ldt + (i * 8), RandomDescriptor());
        }

        _memory.Write(Gdt, 0UL);
        _memory.Write(Gdt + FlatCode0, 0x00CF9B000000FFFFUL);
        _memory.Write(Gdt + FlatData0, 0x00CF93000000FFFFUL);
        _memory.Write(Gdt + (FlatCode3 & 0xF8u), 0x00CFFB000000FFFFUL);
        _memory.Write(Gdt + (FlatData3 & 0xF8u), 0x00CFF3000000FFFFUL);
        _memory.Write(Gdt + Code16, Descriptor(Window, 0xFFFF, 0x009B));
        _memory.Write(Gdt + Data16, Descriptor(0x10000, 0xFFFF, 0x0093));
        _memory.Write(Gdt + TssSelector, Descriptor(Tss, 0x2067, 0x008B));
        _memory.Write(Gdt + LdtSelector, Descriptor(Ldt, 0xFFF, 0x0082));
        for (uint i = 0; i < 256; i++)
        {
            uint type = Below(8) switch { 0 => 5u, 1 => 6, 2 => 7, 3 => 0xF, 4 => Below(16), _ => 0xE };
            uint selector = type == 5 ? TssSelector + (OneIn(2) ? 8u * Below(100) : 0) : Below(8) switch { 0 => (uint)Next() & 0xFFF, 1 => Code16, _ => FlatCode0 };
            uint offset = selector == Code16 ? Below(0x10000) : Window + Below(WindowSize);
            uint access = type | (Below(4) << 5) | (OneIn(16) ? 0 : 0x80u);
            _memory.Write(Idt + (i * 8), (offset & 0xFFFF) | ((ulong)(selector & 0xFFFF) << 16) | ((ulong)access << 40) | ((ulong)(offset >> 16) << 48));
        }

        for (uint i = 0; i < 0x80; i++)
        {
            _memory.Write(Tss + (i * 4), (uint)Next());
        }

        for (uint i = 0; i < 3; i++)
        {
            _memory.Write(Tss + 4 + (i * 8), Tables - 0x1000 - (i * 0x1000));
            _memory.Write(Tss + 8 + (i * 8), (uint)FlatData0 | (i == 0 ? 0 : i));
        }

        _memory.Write(Tss + 0x64, 0x00680000u);
        FillPageTables();
    }

    private ulong RandomDescriptor()
    {
        uint kind = Below(4);
        uint access = kind == 0 ? (uint)Next() & 0xFF : kind == 1 ? 0x80 | (Below(4) << 5) | Below(16) : 0x90 | (Below(4) << 5) | Below(16);
        uint address = OneIn(4) ? (uint)Next() : OneIn(3) ? Tss : Below(RandomSize);
        return Descriptor(address, OneIn(2) ? Below(0x10000) : Below(0x100000), access | (Below(16) << 12));
    }

    private static ulong Descriptor(uint address, uint limit, uint attributes) =>
        (limit & 0xFFFF) | ((ulong)(address & 0xFFFFFF) << 16) | ((ulong)(attributes & 0xFF) << 40) | ((ulong)(limit & 0xF0000) << 32)
        | ((ulong)(attributes & 0xF000) << 40) | ((ulong)(address >> 24) << 56);

    private void FillPageTables()
    {
        bool pae = IsPae;
        uint entrySize = pae ? 8u : 4;
        uint entries = pae ? 2048u : 1024;
        uint directory = pae ? PageDirectory + 0x1000 : PageDirectory;
        uint reach = pae ? 0x200000u : 0x400000;
        if (pae)
        {
            for (uint i = 0; i < 4; i++)
            {
                _memory.Write(PageDirectory + (i * 8), (ulong)(directory + (i * 0x1000)) | 1);
            }
        }

        for (uint i = 0; i < entries; i++)
        {
            ulong linear = (ulong)i * reach;
            ulong entry = linear < RamSize ? PageTables + (i * 0x1000) | 7 : OneIn(2) ? Below(0x600) << 12 | ((uint)Next() & 0xFFF) : linear | 0x87;
            WriteEntry(directory + (i * entrySize), entry, pae);
            for (uint page = 0; linear < RamSize && page < 0x1000 / entrySize; page++)
            {
                ulong address = linear + (page * 0x1000);
                uint flags = address >= RandomSize || !OneIn(8) ? 7 : (uint)Next() & 0x1FF;
                ulong frame = OneIn(64) && address < RandomSize ? (uint)Next() & 0xFFFFF000 : address;
                WriteEntry(PageTables + (i * 0x1000) + (page * entrySize), frame | flags, pae);
            }
        }
    }

    private bool IsPae => Round % 3 == 2;

    private void WriteEntry(uint address, ulong entry, bool pae)
    {
        if (pae)
        {
            _memory.Write(address, entry | (OneIn(500) ? Next() : OneIn(50) ? 1UL << 63 : 0));
        }
        else
        {
            _memory.Write(address, (uint)entry);
        }
    }

    private void SetState()
    {
        CpuState* s = State;
        for (int i = 0; i < 8; i++)
        {
            s->Gpr[i] = RandomRegister();
            *CpuState.FpuPhysical(s, i) = new FpuRegister { Significand = Next(), SignExponent = (ushort)(OneIn(2) ? Next() : 0x3FF0 + Below(32)) };
            *(ulong*)CpuState.XmmBytes(s, i) = Next();
        }

        CpuState.R32(s, 4) = 0x8000 + (Below(0x1000) * (OneIn(8) ? 1u : 4));
        s->Fcw = OneIn(2) ? (ushort)0x37F : (ushort)(Next() & 0x1F3F);
        s->Fsw = (ushort)(Next() & 0x7F00);
        s->Ftw = (byte)Next();
        s->Mxcsr = OneIn(2) ? 0x1F80 : (uint)Next() & 0xFFFF;
        s->IsShutdown = s->IsHalted = s->NmiBlocked = s->NmiLatched = 0;
        s->DebugHits = 0;
        s->Pending = 0;
        s->IntrLine = _board is null ? OneIn(32) ? (byte)1 : (byte)0 : s->IntrLine;
        s->GdtBase = Gdt;
        s->GdtLimit = 0xFFF;
        bool protectedMode = _mode > RandomCodeMode.BigReal;
        s->IdtBase = protectedMode ? Idt : 0;
        s->IdtLimit = protectedMode ? (ushort)0x7FF : (ushort)0x3FF;
        s->Dr[7] = 0x400;
        if (OneIn(64))
        {
            s->Dr[7] = (uint)Next() & 0xFFFF27FF;
            for (int i = 0; i < 4; i++)
            {
                s->Dr[i] = Below(RandomSize);
            }
        }

        SetControl(s);
        SetSegments(s);
        uint flags = (uint)Next() & (Eflags.Status | Eflags.DF | Eflags.IF | Eflags.NT | Eflags.IoplMask | Eflags.AC | Eflags.ID);
        flags |= OneIn(16) ? Eflags.TF : 0;
        flags |= _mode == RandomCodeMode.Virtual8086 ? Eflags.VM | ((uint)Next() & (Eflags.VIF | Eflags.VIP)) : 0;
        LazyFlags.Write(s, flags);
        Core.SetA20(true);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }

    private ulong RandomRegister() => Below(4) switch
    {
        0 => Below(0x100),
        1 => (uint)Next(),
        2 => DeviceAddress + Below(0x10000),
        _ => Below(RandomSize),
    };

    private void SetControl(CpuState* s)
    {
        bool paging = _mode is RandomCodeMode.PagedSupervisor or RandomCodeMode.PagedUser || (_mode == RandomCodeMode.Virtual8086 && Round % 2 == 1);
        uint cr0 = Cr0.ET | Cr0.MP | (_mode > RandomCodeMode.BigReal ? Cr0.PE : 0) | (paging ? Cr0.PG : 0) | ((uint)Next() & (Cr0.NE | Cr0.AM | Cr0.WP));
        uint cr4 = Cr4.OSFXSR | (OneIn(2) ? Cr4.OSXMMEXCPT : 0) | (IsPae ? Cr4.PAE : 0) | (Round % 3 == 1 ? Cr4.PSE : 0) | ((uint)Next() & (Cr4.VME | Cr4.PVI | Cr4.DE | Cr4.TSD));
        const uint PagingCr0 = Cr0.PG | Cr0.WP | Cr0.PE;
        const uint PagingCr4 = Cr4.PAE | Cr4.PSE | Cr4.PGE;
        bool flush = ((s->Cr0 ^ cr0) & PagingCr0) != 0 || ((s->Cr4 ^ cr4) & PagingCr4) != 0 || s->Cr3 != PageDirectory || Start == 0;
        s->Cr0 = cr0 | (OneIn(64) ? Cr0.TS : 0);
        s->Cr4 = cr4;
        s->Cr3 = PageDirectory;
        if (flush)
        {
            s->Efer = IsPae ? Efer.NXE : 0;
            PageWalk.FlushAll(s);
            if (IsPae)
            {
                PageWalk.LoadPageDirectoryPointers(s, PageDirectory);
            }
        }
    }

    private void SetSegments(CpuState* s)
    {
        bool user = _mode is RandomCodeMode.PagedUser or RandomCodeMode.Virtual8086 || (_mode == RandomCodeMode.Segmented32 && OneIn(2));
        s->Cpl = user ? (byte)3 : (byte)0;
        ushort dpl = user ? (ushort)0x60 : (ushort)0;
        s->Eip = (uint)Start;
        for (int i = 0; i < 6; i++)
        {
            bool code = i == SegmentIndex.Cs;
            ushort type = (ushort)((code ? 0x9B : 0x93) | dpl);
            switch (_mode)
            {
                case RandomCodeMode.Real16:
                case RandomCodeMode.Virtual8086:
                    uint paragraph = code ? Window >> 4 : Below(0xF000);
                    Set(s, i, (ushort)paragraph, paragraph << 4, 0xFFFF, _mode == RandomCodeMode.Virtual8086 ? (ushort)0xF3 : type);
                    break;
                case RandomCodeMode.BigReal:
                    uint place = code ? Window >> 4 : Below(0xF000);
                    Set(s, i, (ushort)place, place << 4, 0xFFFFFFFF, (ushort)(type | (code ? 0 : SegmentRegister.AttributeBig)));
                    break;
                case RandomCodeMode.Protected16:
                    Set(s, i, code ? Code16 : Data16, code ? Window : Below(RandomSize), 0xFFFF, type);
                    break;
                case RandomCodeMode.Segmented32 when !code:
                    bool bigStack = i == SegmentIndex.Ss || OneIn(2);
                    ushort kind = OneIn(4) && i != SegmentIndex.Ss ? (ushort)0x91 : OneIn(3) ? (ushort)0x97 : (ushort)0x93;
                    Set(s, i, FlatData3, OneIn(8) ? (uint)Next() : Below(RandomSize), Below(RandomSize), (ushort)(kind | dpl | (bigStack ? SegmentRegister.AttributeBig : 0)));
                    break;
                case RandomCodeMode.Segmented32:
                    Set(s, i, user ? FlatCode3 : FlatCode0, Window, WindowSize - 1, (ushort)(type | SegmentRegister.AttributeBig));
                    break;
                default:
                    Set(s, i, code ? user ? FlatCode3 : FlatCode0 : user ? FlatData3 : FlatData0, 0, 0xFFFFFFFF, (ushort)(type | SegmentRegister.AttributeBig));
                    s->Eip = Window + (uint)Start;
                    break;
            }
        }

        Set(s, SegmentIndex.Ldtr, LdtSelector, Ldt, 0xFFF, 0x82);
        Set(s, SegmentIndex.Tr, TssSelector, Tss, 0x2067, 0x8B);
    }

    private static void Set(CpuState* s, int index, ushort selector, uint address, uint limit, ushort attributes)
    {
        SegmentRegister* r = CpuState.Segment(s, index);
        (r->Selector, r->Base, r->Limit, r->Attributes) = (selector, address, limit, attributes);
        r->Update();
    }
}
