using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Semantics.X87;
using Emulator.Jit;
using Emulator.Jit.Verification;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// One machine of a lockstep pair: flat 32-bit code with paging, an IDT whose handlers resume the program at another block, a timer, and a
/// device whose values show the exact time of each access. Linear addresses (4 KiB pages) and what they are mapped to:
/// <code>
/// 001000 GDT      002000 IDT      003000 TSS      004000 handlers   006000 handlers' data   008000-00BFFF stack of CPL 0
/// 010000 page directory, 011000 page table of the first 4 MiB (writable by the program)
/// 100000 code     108000 the other program     180000 data (pages 4 to 9 in any order, 10 read-only, 11 absent, 12 = page 2, 13 supervisor's, 15 = code page 1)
/// 1A0000 stack of CPL 3     300000 = 100000     380000 = 180000     3F0000 device
/// 400000 the first 4 MiB again, in the same records of the data TLB     1000000 again, in the same records of both TLBs
/// </code>
/// </summary>
internal sealed unsafe class LockstepMachine : IInterruptController, IDisposable
{
    /// <summary>A limit of compiled code that random programs exceed; they compile again and again then, without optimizing.</summary>
    private const int SmallCodeLimit = 400;

    private const int PageLength = 0x1000;

    /// <summary>Bytes that a new round writes together: regions beside what the program changed of itself stay.</summary>
    private const int PieceLength = 16;

    public const uint RamSize = 0x200000;
    public const uint Data = 0x180000;
    public const uint DataLength = 0x10000;
    public const uint PageTable = 0x11000;
    public const uint CodeCopy = 0x108000;
    public const uint Device = 0x3F0000;
    public const uint UserStack = 0x1A0000;
    public const uint UserStackLength = 0x3000;
    public const uint UserStackTop = 0x1A2000;
    public const uint SupervisorStack = 0x8000;
    public const uint SupervisorStackLength = 0x4000;
    public const uint SupervisorStackTop = 0xB000;
    public const uint Gdt = 0x1000;
    public const uint Idt = 0x2000;
    public const uint Tss = 0x3000;
    public const uint PageDirectory = 0x10000;
    public const uint DevicePhysical = 0xFED00000;

    /// <summary>Distances at which the first 4 MiB are mapped again.</summary>
    public static readonly uint[] Aliases = [0x400000, 0x1000000];
    public const byte TimerVector = 0x20;

    /// <summary>Vector that reloads CR3.</summary>
    public const byte FlushVector = 0x80;

    /// <summary>An interrupt whose handler sets CR0.TS; #NM clears it.</summary>
    public const byte TaskSwitchedVector = 0x81;

    private readonly PhysicalMemory _memory = new(RamSize, NullLogger.Instance);
    private readonly PortMap _ports = new(NullLogger.Instance);
    private readonly TimerEvent _timer;
    private readonly bool _translated;
    private readonly RegionMonitor? _monitor;
    private JitTranslator? _translator;
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

    /// <summary>Regions that could not be compiled in the background; in the foreground that is an exception.</summary>
    public long CompileFailures => _translator?.CompileFailures ?? 0;

    public CpuState* State => Core.State;

    /// <summary>Instructions since the program was loaded.</summary>
    public long Retired => Core.Retired - _start;

    /// <summary>What the translator found of itself, when it verifies.</summary>
    public Divergence? Divergence => _translator?.Divergence;

    /// <summary>The regions that contain an address.</summary>
    /// <param name="address">The address.</param>
    public string? DescribeCode(uint address) => _translator?.Describe(address);

    public ReadOnlySpan<byte> Ram => new(_memory.Ram, (int)RamSize);

    public byte Acknowledge()
    {
        Core.SetIntr(false);
        return TimerVector;
    }

    public void Dispose() => _translator?.Dispose();

    /// <summary>Puts a program into the machine, ready to run its first block in its first round.</summary>
    /// <param name="program">The program.</param>
    public void Load(GuestProgram program) => Load(program, new LockstepImage().Build(program.OfRound(program.Setup.FirstRound)));

    /// <summary>Puts a program into the machine, ready to run its first block in its first round.</summary>
    /// <param name="program">The program.</param>
    /// <param name="image">The round's memory (<see cref="LockstepImage"/>).</param>
    public void Load(GuestProgram program, ReadOnlySpan<byte> image)
    {
        Core.SetTranslator(null);
        _translator?.Dispose();
        _translator = null;
        _memory.WriteBlock(0, image);
        Restart(program, program.Setup.FirstRound, image);
        if (_translated && !_setup.Stepped)
        {
            JitOptions options = new()
            {
                HotThreshold = _setup.Threshold,
                RegionInstructions = _setup.RegionInstructions,
                Background = _setup.Background,
                Threads = 2,
                CodeLimit = program.Setup.Seed % 8 == 1 && program.Setup.Unoptimized ? SmallCodeLimit : JitOptions.DefaultCodeLimit,
                Verify = _setup.Verify,
                Unoptimized = _setup.Unoptimized,
            };
            _translator = new JitTranslator(Core, options) { Monitor = _setup.EachRegion && !_setup.Verify ? _monitor : null };
            _translator.Attach();
        }

        _start = Core.Retired;
    }

    /// <summary>Puts the program that is there back to its start in a round; regions whose code is what it was stay.</summary>
    /// <param name="program">The program.</param>
    /// <param name="round">The round.</param>
    /// <param name="image">The round's memory.</param>
    public void Restart(GuestProgram program, int round, ReadOnlySpan<byte> image)
    {
        _setup = program.Setup.OfRound(round);
        _random = new SplitMix(_setup.Seed ^ 0x5EED);
        Core.SetIntr(false);
        Core.Reset();
        Core.Events.Cancel(_timer);
        for (int page = 0; page < image.Length; page += PageLength)
        {
            ReadOnlySpan<byte> wanted = image.Slice(page, PageLength);
            for (int at = 0; at < PageLength && !wanted[at..].SequenceEqual(Ram.Slice(page + at, PageLength - at)); at += PieceLength)
            {
                at += wanted[at..].CommonPrefixLength(Ram.Slice(page + at, PageLength - at)) & ~(PieceLength - 1);
                _memory.WriteBlock((uint)(page + at), wanted.Slice(at, PieceLength));
            }
        }

        SetState(program);
        State->TscOffset = (ulong)-Core.Clock.Now;
        if (_setup.TimerPeriod != 0)
        {
            ScheduleTimer();
        }
    }

    /// <summary>
    /// Between two slices: other registers, flags, numbers on the x87 stack, SSE settings, bytes in the data, so that the same compiled code
    /// meets another state. Nothing happens while a handler of the machine's own runs.
    /// </summary>
    /// <param name="program">The program.</param>
    /// <param name="seed">What the new state follows from.</param>
    public void Shake(GuestProgram program, ulong seed)
    {
        CpuState* s = State;
        if (GuestAccesses.LinearEip(s) < GuestProgram.Code || s->IsHalted != 0 || s->IsShutdown != 0)
        {
            return;
        }

        SplitMix random = new(seed);
        for (int i = 0; i < 8; i++)
        {
            uint value = random.Below(6) switch
            {
                0 => (uint)random.Next(),
                1 => (uint)random.Below(256),
                2 => (1u << random.Below(32)) - (uint)random.Below(2),
                3 => 0u - (uint)random.Below(3),
                _ => (LockstepSegments.Is16(_setup.Mode) ? (uint)random.Below(16) << 16 : Data) + (uint)random.Below((int)DataLength),
            };
            if (i != 4)
            {
                CpuState.R32(s, i) = value;
            }
        }

        if (random.OneIn(2))
        {
            CpuState.R32(s, 4) = LockstepSegments.StackPointer(_setup) - (uint)random.Pick<int>([0x100, 0x200, 0xFFC, 0x1004, 0x1002, 0x101]);
            s->Eip = program.EipOf(random.Below(program.Blocks.Count)) + (random.OneIn(8) && !LockstepSegments.Is16(_setup.Mode) ? 0x200000u : 0);
        }

        const uint status = Eflags.CF | Eflags.PF | Eflags.AF | Eflags.ZF | Eflags.SF | Eflags.OF;
        LazyFlags.Write(s, (LazyFlags.Read(s) & ~status) | ((uint)random.Next() & status));
        if (random.OneIn(2))
        {
            ShakeFloats(s, random);
        }

        byte[] bytes = new byte[1 + random.Below(64)];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(random.OneIn(3) ? 0 : random.Next());
        }

        _memory.WriteBlock((_setup.Mode == LockstepMode.Real ? LockstepSegments.Data16 : Data) + (uint)random.Below((int)DataLength - bytes.Length), bytes);
    }

    private static void ShakeFloats(CpuState* s, SplitMix random)
    {
        s->Fcw = (ushort)((random.OneIn(8) ? (uint)random.Below(64) : 0x3Fu) | 0x40 | (random.Pick<uint>([3, 3, 3, 2, 0]) << 8) | (random.Pick<uint>([0, 0, 1, 2, 3]) << 10));
        uint fsw = (uint)random.Next() & (random.OneIn(3) ? 0x7F7Fu : 0x7F20u);
        s->Fsw = (ushort)((fsw & ~s->Fcw & X87Status.Exceptions) != 0 ? fsw | X87Status.ErrorSummary | X87Status.Busy : fsw);
        s->Ftw = (byte)random.Pick<int>([0, 0xFF, random.Below(256), 1 << ((int)(fsw & X87Status.TopMask) >> X87Status.TopShift)]);
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* r = CpuState.FpuPhysical(s, i);
            uint exponent = random.Below(8) switch { 0 => 0, 1 => 0x7FFF, 2 => (uint)random.Below(0x8000), 3 => 1, _ => 0x3FF0 + (uint)random.Below(0x20) };
            r->SignExponent = (ushort)(exponent | (random.OneIn(2) ? 0x8000u : 0));
            r->Significand = random.Below(6) switch { 0 => 1UL << 63, 1 => ulong.MaxValue, 2 => 0, 3 => random.Next() << 40 | 1UL << 63, _ => random.Next() | 1UL << 63 };
            ulong* x = (ulong*)CpuState.XmmBytes(s, i);
            for (int half = 0; half < 2; half++)
            {
                x[half] = random.Below(5) switch
                {
                    0 => 0,
                    1 => random.Next(),
                    2 => (0x3FEul + (uint)random.Below(4)) << 52 | random.Next() >> 12,
                    3 => 0x3F8000003F000000 ^ (random.Next() & 0x80FFFFFF80FFFFFF),
                    _ => random.Pick<ulong>([1, 1ul << 63, 0x7FF0000000000000, 0x7FF8000000000000, 0x7F8000007FC00000, 0x0000000100800000, 0x0010000000000000]),
                };
            }
        }

        s->Mxcsr = random.Below(4) switch { 0 => 0x1F80u, 1 => 0x1FA0u, 2 => 0x1FA0u | ((uint)random.Next() & 0x603Fu), _ => (uint)random.Next() & 0xFFBFu };
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
        s->Eip = program.EipOf(0);
        LazyFlags.Write(s, Eflags.IF | Eflags.IoplMask | 2);
        if (_setup.Mode != LockstepMode.Flat32)
        {
            LockstepSegments.Enter(s, _setup);
        }

        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }
}
