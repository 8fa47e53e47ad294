using System.Collections.Concurrent;
using System.Diagnostics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <summary>
/// The translator: finds the regions around hot blocks of flat 32-bit protected-mode code, compiles them to host code, on a background
/// thread unless asked otherwise, and publishes them on their entry blocks between two slices. When code changes, the regions that contain
/// it are unpublished at once. Results do not depend on when a region is published: regions and interpreter are equal to the instruction.
/// </summary>
public sealed unsafe class JitTranslator : Translator, IDisposable
{
    private const uint Needed = ModeKey.Code32 | ModeKey.Stack32 | ModeKey.FlatCs | ModeKey.FlatDs | ModeKey.FlatEs | ModeKey.FlatSs | ModeKey.Protected;

    private readonly CpuCore _core;
    private readonly Dictionary<nint, List<CompiledRegion>> _users = [];
    private readonly List<CompiledRegion> _dropped = [];
    private readonly BlockingCollection<CompiledRegion>? _toCompile;
    private readonly ConcurrentQueue<CompiledRegion> _compiled = new();
    private readonly Thread? _compiler;
    private long _compileTicks;
    private volatile bool _stopping;

    /// <summary>Creates a translator for a CPU; <see cref="Attach"/> it.</summary>
    /// <param name="core">The CPU.</param>
    /// <param name="options">How it works; null for the defaults.</param>
    public JitTranslator(CpuCore core, JitOptions? options = null)
    {
        _core = core;
        Options = options ?? new JitOptions();
        if (Options.Background && Options.HotThreshold != 0)
        {
            _toCompile = [];
            _compiler = new Thread(CompileLoop) { IsBackground = true, Name = "region compiler" };
            _compiler.Start();
        }
    }

    /// <summary>How it works.</summary>
    public JitOptions Options { get; }

    /// <summary>Regions published.</summary>
    public long RegionsCompiled { get; private set; }

    /// <summary>Regions dropped because their code changed, before or after they were published.</summary>
    public long RegionsDropped { get; private set; }

    /// <summary>Guest instructions in all published regions.</summary>
    public long InstructionsCompiled { get; private set; }

    /// <summary>Host time spent emitting and compiling.</summary>
    public TimeSpan CompileTime => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _compileTicks));

    /// <summary>Makes it the CPU's translator. Call between two runs.</summary>
    public void Attach() => _core.SetTranslator(this, Options.HotThreshold);

    /// <inheritdoc/>
    public override void Hot(CpuState* s, Block* block)
    {
        if ((s->ModeKey & Needed) != Needed)
        {
            return;
        }

        long clears = _core.Blocks.Clears;
        Region region = RegionBuilder.Build(_core, block, Options.RegionInstructions);
        if (_core.Blocks.Clears != clears || block->IsValid == 0)
        {
            return;
        }

        CompiledRegion compiled = new(region);
        foreach (RegionBlock b in region.Blocks)
        {
            if (!_users.TryGetValue((nint)b.Source, out List<CompiledRegion>? list))
            {
                _users[(nint)b.Source] = list = [];
            }

            list.Add(compiled);
        }

        if (_toCompile is not null)
        {
            _toCompile.Add(compiled);
            return;
        }

        Compile(compiled);
        Publish(compiled);
    }

    /// <inheritdoc/>
    public override void Dropped(Block* block)
    {
        if (_users.Remove((nint)block, out List<CompiledRegion>? regions))
        {
            foreach (CompiledRegion region in regions)
            {
                Drop(region);
            }
        }
    }

    /// <inheritdoc/>
    public override void DropAll()
    {
        foreach (List<CompiledRegion> regions in _users.Values)
        {
            foreach (CompiledRegion region in regions)
            {
                Drop(region);
            }
        }

        _users.Clear();
    }

    /// <inheritdoc/>
    public override void Poll()
    {
        // No region runs now, so what was dropped may be collected.
        _dropped.Clear();
        while (_compiled.TryDequeue(out CompiledRegion? region))
        {
            Publish(region);
        }
    }

    /// <summary>Stops the compiling thread.</summary>
    public void Dispose()
    {
        _stopping = true;
        _toCompile?.CompleteAdding();
        _compiler?.Join();
        _toCompile?.Dispose();
    }

    private void CompileLoop()
    {
        foreach (CompiledRegion region in _toCompile!.GetConsumingEnumerable())
        {
            if (_stopping)
            {
                return;
            }

            Compile(region);
            _compiled.Enqueue(region);
        }
    }

    private void Compile(CompiledRegion region)
    {
        long start = Stopwatch.GetTimestamp();
        if (region.IsValid)
        {
            region.Compile();
        }

        Interlocked.Add(ref _compileTicks, Stopwatch.GetTimestamp() - start);
    }

    private void Publish(CompiledRegion region)
    {
        if (region.IsValid && region.Entry != null)
        {
            region.Publish();
            RegionsCompiled++;
            InstructionsCompiled += region.Region.InstructionCount;
        }
    }

    private void Drop(CompiledRegion region)
    {
        if (region.Invalidate())
        {
            RegionsDropped++;
            _dropped.Add(region);
        }
    }
}
